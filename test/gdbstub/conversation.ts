/** A session with a machine and no server: performs the effects at once and notes what a client and an onlooker see. */
import { type Effect, Session, type Stop } from '../../src/gdbstub/index.ts';
import type { SessionOptions } from '../../src/gdbstub/packet.ts';
import { LineMachine } from './line-machine.ts';

export const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

export const frameOf = (payload: string): string => {
  const sum = latin1(payload).reduce((total, byte) => total + byte, 0) & 0xff;
  return `$${payload}#${sum.toString(16).padStart(2, '0')}`;
};

export class Conversation {
  readonly machine: LineMachine;
  readonly session: Session;
  /** Everything sent to the client since the last take(). */
  #sent = '';
  /** `send`, `resume` ... in the order in which they were performed. */
  readonly effects: string[] = [];
  #running: Promise<Stop> | undefined;

  constructor(options: Partial<SessionOptions> = {}, machine = new LineMachine()) {
    this.machine = machine;
    this.session = new Session(machine, options);
  }

  /** The client connects to a machine in this state. */
  async open(state: 'stopped' | 'running' | 'ended' = 'stopped'): Promise<this> {
    if (state === 'running') {
      const answer = this.machine.execution.resume([{ thread: 1, kind: 'continue', signal: 0 }]);
      if (answer instanceof Promise) this.#running = answer;
    }
    await this.perform(this.session.opened(state));
    return this;
  }

  /** Raw bytes, cut into chunks of this many. */
  async send(raw: string, chunk = Number.POSITIVE_INFINITY): Promise<void> {
    const bytes = latin1(raw);
    for (let at = 0; at < bytes.length; at += chunk)
      await this.perform(this.session.receive(bytes.subarray(at, Math.min(bytes.length, at + chunk))));
  }

  /** One packet; the raw answer. */
  async ask(payload: string): Promise<string> {
    await this.send(frameOf(payload));
    return this.take();
  }

  async close(): Promise<void> {
    await this.perform(this.session.closed());
  }

  take(): string {
    const sent = this.#sent;
    this.#sent = '';
    return sent;
  }

  /** Performs effects; a machine that was interrupted is waited for. */
  async perform(effects: readonly Effect[]): Promise<void> {
    this.#perform(effects);
    while (this.#interrupted && this.#running) {
      const stop = await this.#running;
      this.#running = undefined;
      this.#interrupted = false;
      this.#perform(this.session.stopped(stop));
    }
    if (this.session.full) await this.perform(this.session.drained());
  }

  #interrupted = false;

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      this.effects.push(effect.kind);
      if (effect.kind === 'send') this.#sent += Buffer.from(effect.bytes).toString('latin1');
      else if (effect.kind === 'interrupt') {
        this.#interrupted = true;
        this.machine.execution.interrupt();
      } else if (effect.kind === 'kill') this.machine.kill();
      else if (effect.kind === 'resume') {
        const answer = this.machine.execution.resume(effect.actions);
        if (answer instanceof Promise) {
          this.#running = answer;
          this.#perform(this.session.running());
        } else this.#perform(this.session.stopped(answer));
      }
    }
  }
}

/** Cuts what a server sent into acknowledgements and payloads; undefined: it is not made of whole, right frames. */
export function framesOf(raw: string): readonly string[] | undefined {
  const frames: string[] = [];
  for (let at = 0; at < raw.length; ) {
    if (raw[at] === '+' || raw[at] === '-') {
      frames.push(raw[at++]);
      continue;
    }
    const end = raw.indexOf('#', at);
    const whole = raw.slice(at, end + 3);
    if (raw[at] !== '$' || end < 0 || frameOf(raw.slice(at + 1, end)) !== whole) return undefined;
    frames.push(whole);
    at = end + 3;
  }
  return frames;
}
