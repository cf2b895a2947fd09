/**
 * The only file that touches sockets: it listens, performs the effects of the session, and lets the machine go. One
 * debugger at a time; a second one is told so and sent away.
 */
import { lstat, unlink } from 'node:fs/promises';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { type Address, parseAddress } from './address.ts';
import { Machine } from './machine.ts';
import { Output } from './output.ts';
import type { SessionOptions } from './packet.ts';
import { continueAll, type Effect, goesOnAlone, Session } from './session.ts';
import type { ResumeAction, Stop, Target } from './target.ts';

export interface ServeOptions extends Partial<SessionOptions> {
  /** As parseAddress reads it, `tcp:1234` or `unix:/tmp/stub`, or an Address. */
  readonly listen: Address | string;
  /** The machine runs until a debugger comes. Default: it is held. */
  readonly running?: boolean;
  /** Told when the machine has ended: `exited` or `terminated`. */
  readonly ended?: (stop: Stop) => void;
  /** One line on what happens, for a log. */
  readonly log?: (line: string) => void;
  /** A client that reads nothing for so long is dropped. */
  readonly stallSeconds?: number;
}

export interface Server {
  /** With the port that was chosen. */
  readonly address: Address;
  /** Ends the connection and stops listening. The machine is left as after a detach, until it is interrupted. */
  close(): Promise<void>;
}

/** Serves one target. Rejects if the address cannot be listened at. */
export async function serve(target: Target, options: ServeOptions): Promise<Server> {
  const listen = typeof options.listen === 'string' ? parseAddress(options.listen) : options.listen;
  if (!listen) throw new Error(`${JSON.stringify(options.listen)} is no address to listen at`);
  const service = new Service(target, options);
  if (listen.kind === 'stdio') {
    service.start();
    service.accept(Duplex.from({ readable: process.stdin, writable: process.stdout }), 'standard input');
    return { address: listen, close: async () => service.close() };
  }
  const listener = net.createServer({ noDelay: true, keepAlive: true }, (socket) =>
    service.accept(socket, socket.remoteAddress ?? 'a local client'),
  );
  const address = await bind(listener, listen);
  listener.on('error', (error) => service.log(`cannot accept: ${error.message}`));
  service.start();
  return {
    address,
    close: async () => {
      service.close();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** Output that the client has not read. Above it nothing more is read from it. */
const mostUnread = 1 << 20;
/** How long machine and session may go on between themselves before sockets are looked at, in milliseconds. */
const slice = 20;
/** For a client to close its side, in milliseconds. */
const patience = 1000;

class Service {
  readonly #target: Target;
  readonly #options: ServeOptions;
  readonly #machine: Machine;
  #connection: Connection | undefined;
  /** One who came while the last one was still leaving. */
  #next: (() => void) | undefined;
  #closed: boolean = false;

  constructor(target: Target, options: ServeOptions) {
    this.#target = target;
    this.#options = options;
    this.#machine = new Machine(
      target,
      (stop) => this.stopped(stop),
      (error) => this.log(`the machine has failed: ${describe(error)}`),
    );
  }

  start(): void {
    if (this.#options.running) this.#goAlone();
  }

  log(line: string): void {
    this.#options.log?.(line);
  }

  accept(stream: Duplex, name: string): void {
    if (this.#closed) stream.destroy();
    else if (!this.#connection) this.#open(stream, name);
    else if (this.#connection.leaving && !this.#next) {
      this.#next = () => (stream.destroyed ? undefined : this.#open(stream, name));
    } else {
      this.log(`${name} was refused: another debugger is attached`);
      refuse(stream);
    }
  }

  /** A stop that did not come at once. */
  stopped(stop: Stop): void {
    if (this.#connection) this.#connection.stopped(stop);
    else this.#alone(stop);
    if (this.#machine.state === 'ended') this.ended();
  }

  /** The machine has told its end: once for each. */
  ended(): void {
    this.#options.ended?.(this.#machine.lastStop);
  }

  /** The connection's session has left the machine. */
  gone(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }

  close(): void {
    this.#closed = true;
    this.#next = undefined;
    this.#connection?.drop('the server is closed');
  }

  #open(stream: Duplex, name: string): void {
    this.log(`${name} has connected`);
    this.#connection = new Connection(this, this.#machine, stream, new Session(this.#target, this.#options), {
      name,
      stall: 1000 * (this.#options.stallSeconds ?? 30),
    });
    this.#connection.open();
  }

  #alone(stop: Stop): void {
    if (goesOnAlone(stop)) setImmediate(() => this.#goAlone());
    else if (this.#machine.state !== 'ended') this.log(`the machine is held after ${stop.kind}: nobody debugs it`);
  }

  /** After the server was closed, a machine that stops stays where it is: so its owner can interrupt it for good. */
  #goAlone(): void {
    if (this.#closed || this.#connection || this.#machine.state !== 'stopped') return;
    const stop = this.#machine.resume(continueAll(this.#target));
    if (stop) this.stopped(stop);
  }
}

class Connection {
  leaving: boolean = false;
  readonly #service: Service;
  readonly #machine: Machine;
  readonly #stream: Duplex;
  readonly #session: Session;
  readonly #name: string;
  readonly #stall: number;
  #timer: NodeJS.Timeout | undefined;
  /** A resume that waits until the client has read what it was sent. */
  #held: readonly ResumeAction[] | undefined;

  constructor(
    service: Service,
    machine: Machine,
    stream: Duplex,
    session: Session,
    { name, stall }: { name: string; stall: number },
  ) {
    this.#service = service;
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
    this.#do(() => this.#session.opened(this.#machine.state, this.#machine.lastStop));
  }

  stopped(stop: Stop): void {
    this.#do(() => this.#session.stopped(stop));
  }

  /** What was written still goes out; nothing more is read. */
  drop(reason: string): void {
    if (this.leaving) return;
    this.leaving = true;
    this.#service.log(`${this.#name} has gone: ${reason}`);
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
      this.#service.log(`error in the session: ${describe(error)}`);
      this.#stream.destroy();
      if (this.leaving) this.#service.gone(this);
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
        this.#service.ended();
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
    if (this.#machine.state === 'ended') this.#service.ended();
    else if (performance.now() > until) {
      setImmediate(() => this.#service.stopped(stop));
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
    if (!(stream instanceof net.Socket)) {
      stream.write(bytes.slice());
      return;
    }
    stream.write(bytes);
    if (stream.writableLength > 0) this.#session.keepSent();
  }

  /** Reads on, or waits until the client reads. */
  #settle(): void {
    const stream = this.#stream;
    if (this.#session.left) {
      if (this.leaving) this.#service.gone(this);
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

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Answers the first packet with the reason, so that gdb prints it. */
function refuse(stream: Duplex): void {
  const output = new Output();
  output.byte('+'.charCodeAt(0));
  output.begin();
  output.text('E.another debugger is attached');
  output.end();
  const bytes = output.take();
  const end = (): void => {
    clearTimeout(timer);
    stream.end(bytes);
    setTimeout(() => stream.destroy(), patience).unref();
  };
  const timer = setTimeout(end, patience).unref();
  stream.on('error', () => stream.destroy());
  stream.on('close', () => clearTimeout(timer));
  stream.once('data', end);
  stream.resume();
}

async function bind(listener: net.Server, address: Address & { kind: 'tcp' | 'unix' }): Promise<Address> {
  if (address.kind === 'tcp') {
    await listening(listener, { host: address.host, port: address.port });
    const bound = listener.address() as net.AddressInfo;
    return { kind: 'tcp', host: bound.address, port: bound.port };
  }
  const { path } = address;
  try {
    await listening(listener, { path });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await isStale(path))) throw error;
    await unlink(path);
    await listening(listener, { path });
  }
  return address;
}

const listening = (listener: net.Server, options: net.ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(options, () => {
      listener.off('error', reject);
      resolve();
    });
  });

/** A socket that a server left behind when it was killed. Any other file is not ours to remove. */
async function isStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = net.connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
