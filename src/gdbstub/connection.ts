/** One connected debugger: performs the effects of its session and tells the session what came of them. */
import type { Machine } from './machine.ts';
import type { Effect, Session } from './session.ts';
import type { ResumeAction, Stop } from './target.ts';

/** What is needed of a socket. Bytes that were written are still needed until writableLength is 0 again. */
export interface Stream {
  readonly writableLength: number;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  write(bytes: Uint8Array): unknown;
  end(bytes?: Uint8Array): unknown;
  destroy(): unknown;
  pause(): unknown;
  resume(): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown;
}

/** Who has the connections. */
export interface ConnectionOwner {
  log(line: string): void;
  /** A stop that did not come at once; also one that was put off. */
  stopped(stop: Stop): void;
  /** The machine has ended. */
  ended(): void;
  /** The session has left the machine. */
  gone(connection: Connection): void;
}

/** Output that the client has not read. Above it nothing more is read from it. */
const mostUnread = 1 << 20;
/** How long machine and session may go on between themselves before sockets are looked at, in milliseconds. */
const slice = 20;
/** For a client to close its side, in milliseconds. */
export const patience = 1000;

export const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

export class Connection {
  leaving: boolean = false;
  readonly #owner: ConnectionOwner;
  readonly #machine: Machine;
  readonly #stream: Stream;
  readonly #session: Session;
  readonly #name: string;
  readonly #stall: number;
  #timer: NodeJS.Timeout | undefined;
  /** A resume that waits until the client has read what it was sent. */
  #held: readonly ResumeAction[] | undefined;

  constructor(
    owner: ConnectionOwner,
    machine: Machine,
    stream: Stream,
    session: Session,
    { name, stall }: { name: string; stall: number },
  ) {
    this.#owner = owner;
    this.#machine = machine;
    this.#stream = stream;
    this.#session = session;
    this.#name = name;
    this.#stall = stall;
  }

  open(): void {
    const stream = this.#stream;
    stream.on('data', (bytes: Uint8Array) => this.#do(() => this.#session.receive(bytes)));
    stream.on('drain', () => this.#drained());
    stream.on('error', (error) => this.drop(error.message));
    stream.on('end', () => this.drop('the client has closed the connection'));
    stream.on('close', () => this.drop('the connection is closed'));
    stream.resume();
    this.#do(() => this.#session.opened(this.#machine.state, this.#machine.lastStop));
  }

  stopped(stop: Stop): void {
    this.#do(() => this.#session.stopped(stop));
  }

  /** What was written still goes out; nothing more is read. */
  drop(reason: string): void {
    if (this.leaving) return;
    this.leaving = true;
    this.#owner.log(`${this.#name} has gone: ${reason}`);
    clearTimeout(this.#timer);
    if (this.#stream.writableLength > mostUnread) this.#stream.destroy();
    else this.#stream.end();
    // A client that does not close its side does not keep the socket.
    this.#stream.resume();
    setTimeout(() => this.#stream.destroy(), patience).unref();
    this.#do(() => this.#session.closed());
  }

  #do(event: () => readonly Effect[]): void {
    try {
      this.#perform(event());
    } catch (error) {
      this.#owner.log(`error in the session: ${describe(error)}`);
      this.#stream.destroy();
      if (this.leaving) this.#owner.gone(this);
      else this.drop('the session has failed');
    }
  }

  #perform(effects: readonly Effect[]): void {
    let todo = effects;
    let until = 0;
    for (let index = 0; index < todo.length; index++) {
      const effect = todo[index];
      if (effect.kind === 'send') this.#send(effect.bytes);
      else if (effect.kind === 'interrupt') this.#interrupt();
      else if (effect.kind === 'close') this.drop(effect.reason);
      else if (effect.kind === 'kill') {
        this.#machine.kill();
        this.#owner.ended();
      } else {
        until ||= performance.now() + slice;
        todo = [...this.#resume(effect.actions, until), ...todo.slice(index + 1)];
        index = -1;
      }
    }
    this.#settle();
  }

  #resume(actions: readonly ResumeAction[], until: number): readonly Effect[] {
    const session = this.#session;
    if (this.#stream.writableLength > mostUnread && !this.leaving) {
      this.#held = actions;
      return session.running();
    }
    const stop = this.#machine.resume(actions);
    if (!stop) return session.running();
    if (this.#machine.state === 'ended') this.#owner.ended();
    else if (performance.now() > until) {
      setImmediate(() => this.#owner.stopped(stop));
      return session.running();
    }
    return session.stopped(stop);
  }

  #interrupt(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#do(() => this.#session.stopped({ kind: 'interrupted', thread: held[0].thread }));
    else this.#machine.interrupt();
  }

  #send(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return;
    const isIdle = stream.writableLength === 0;
    stream.write(bytes);
    if (stream.writableLength > 0) this.#session.keepSent(isIdle);
  }

  /** Reads on, or waits until the client reads. */
  #settle(): void {
    const stream = this.#stream;
    if (this.#session.left) {
      if (this.leaving) this.#owner.gone(this);
      return;
    }
    if (this.leaving) return;
    if (stream.writableLength > mostUnread || (this.#session.full && stream.writableLength > 0)) {
      stream.pause();
      this.#timer ??= setTimeout(() => this.#stalled(), this.#stall).unref();
    } else if (this.#session.full) this.#do(() => this.#session.drained());
  }

  #stalled(): void {
    this.drop('it does not read what it is sent');
    this.#stream.destroy();
  }

  #drained(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = undefined;
    if (this.leaving) return;
    this.#stream.resume();
    if (held) this.#do(() => [{ kind: 'resume', actions: held }]);
    else if (this.#session.full) this.#do(() => this.#session.drained());
  }
}
