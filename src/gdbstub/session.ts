/**
 * One debugger's conversation: bytes and events in, effects out. No sockets, timers or promises: the server performs the
 * effects and tells what came of them.
 *
 * - `receive(bytes)`: the client has sent something.
 * - After a `resume` effect either `stopped(stop)` at once, or `running()` and `stopped(stop)` later.
 * - `drained()`: the client has read what it was sent.
 * - `closed()`: the client is gone.
 *
 * While the machine runs only an interrupt is acted on; packets wait until it stops.
 */
import { BreakpointTable } from './breakpoints.ts';
import { Course } from './course.ts';
import type { Document } from './document.ts';
import { Layout } from './layout.ts';
import { Link } from './link.ts';
import { hexText } from './output.ts';
import {
  type Context,
  type Match,
  noReply,
  type Packet,
  PacketTable,
  type Reply,
  type SavedRegisters,
  type SessionOptions,
  unsupported,
} from './packet.ts';
import { packets } from './packets/index.ts';
import { Signal, writeStop } from './stop.ts';
import { type Client, type Result, type ResumeAction, type Stop, type Target, TargetError } from './target.ts';

export type Effect =
  /** The bytes stay as they are until the session is called again. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'resume'; readonly actions: readonly ResumeAction[] }
  /** The machine is to stop soon. */
  | { readonly kind: 'interrupt' }
  /** The connection is to be ended, after what was sent. */
  | { readonly kind: 'close'; readonly reason: string }
  /** The machine is to be ended. */
  | { readonly kind: 'kill' };

/** A client that sends as much while the machine runs does not wait for answers. */
const mostWaiting = 4 << 20;
/** Output that is sent before more packets are looked at. */
const mostOutput = 1 << 20;

/** Whether a machine that stopped while nobody debugs it simply goes on. */
export const goesOnAlone = (stop: Stop): boolean => stop.kind === 'reset' || stop.kind === 'interrupted';

/** All threads go on. */
export const continueAll = (target: Target): readonly ResumeAction[] =>
  target.threads.list().map((thread) => ({ thread, kind: 'continue', signal: 0 }));

const hasEnded = (stop: Stop): boolean => stop.kind === 'exited' || stop.kind === 'terminated';

export class Session implements Context {
  readonly target: Target;
  readonly options: SessionOptions;
  readonly breakpoints: BreakpointTable;
  readonly documents = new Map<string, Document>();
  readonly savedRegisters = new Map<number, SavedRegisters>();
  scanned = 0;
  client: Client = 'gdb';
  clientFeatures: ReadonlySet<string> = new Set();
  errorStrings: boolean = false;
  listThreads: boolean = false;
  generalThread: number;
  continueThread = 0;
  lastStop: Stop;
  attached: boolean = true;

  readonly #packets: PacketTable;
  readonly #link: Link;
  readonly #course = new Course(this);
  #layout: Layout | undefined;
  #effects: Effect[] = [];

  #machine: 'stopped' | 'running' | 'ended' = 'stopped';
  /** What the next stop is for, if not to be told as it is. */
  #whenStopped: (() => Reply) | undefined;
  /** The client wants a stop. */
  #interrupted: boolean = false;

  /** Packets that came while none could be answered. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #full: boolean = false;
  #left: boolean = false;

  constructor(target: Target, options: Partial<SessionOptions> = {}) {
    this.target = target;
    this.options = {
      name: options.name ?? 'gdbstub',
      version: options.version ?? '0',
      packetSize: options.packetSize ?? 0x20000,
      allowKill: options.allowKill ?? false,
      onDetach: options.onDetach ?? 'resume',
    };
    this.breakpoints = new BreakpointTable(target.breakpoints);
    this.#packets = new PacketTable(packets, target);
    this.#link = new Link(this.options.packetSize);
    this.generalThread = target.threads.list()[0];
    this.lastStop = { kind: 'reset', thread: this.generalThread };
  }

  /** The client is gone and the machine has been left as it should be. */
  get left(): boolean {
    return this.#left;
  }

  /** Input has been put aside until the client has read what it was sent: then call drained(). */
  get full(): boolean {
    return this.#full;
  }

  // ---------------------------------------------------------------------------------------------- events

  /**
   * A client has connected.
   * @param machine what the machine is doing; a running one is halted before anything is answered
   * @param stop why it stopped last
   */
  opened(machine: 'stopped' | 'running' | 'ended', stop: Stop = this.lastStop): readonly Effect[] {
    this.#machine = machine;
    this.lastStop = stop;
    this.target.attached?.(true);
    if (machine === 'running') this.#halt(() => this.#begin());
    return this.#finish();
  }

  receive(bytes: Uint8Array): readonly Effect[] {
    this.scanned = 0;
    this.#link.push(bytes);
    for (let event = this.#link.next(); event !== undefined; event = this.#link.next())
      if (event === 'packet') this.#packet();
      else if (event === 'interrupt') this.interrupt();
      else this.#send(event);
    return this.#finish();
  }

  /** A resume has not been answered at once. */
  running(): readonly Effect[] {
    return this.#finish();
  }

  stopped(stop: Stop): readonly Effect[] {
    this.#machine = hasEnded(stop) ? 'ended' : 'stopped';
    this.lastStop = stop;
    if (this.#whenStopped) {
      const then = this.#whenStopped;
      this.#whenStopped = undefined;
      this.#interrupted = false;
      this.#course.abandon();
      this.#reply(then());
    } else if (this.attached) this.#judge(stop);
    else if (goesOnAlone(stop)) this.resume(continueAll(this.target));
    this.#drain();
    return this.#finish();
  }

  drained(): readonly Effect[] {
    this.#full = false;
    this.#drain();
    return this.#finish();
  }

  closed(): readonly Effect[] {
    this.#leave();
    return this.#finish();
  }

  /**
   * The bytes of the last `send` are still needed: the session shall not write into them.
   * @param last only these: those of every earlier `send` are not needed any more
   */
  keepSent(last: boolean): void {
    this.#link.leave(last);
  }

  // ---------------------------------------------------------------------------------------------- input

  #packet(): void {
    const { bytes, start, end } = this.#link.input;
    if (this.#left) return;
    if (!this.#busy || this.#isUrgent(bytes, start, end)) this.#handle(bytes, start, end);
    else {
      this.#waiting.push(bytes.slice(start, end));
      this.#waitingBytes += end - start + 64;
      if (this.#waitingBytes > mostWaiting) this.#end('the client does not wait for answers');
    }
  }

  /** No packet can be answered now. */
  get #busy(): boolean {
    return (
      (this.#machine === 'running' && (this.attached || this.#whenStopped !== undefined)) ||
      this.#waiting.length > 0 ||
      this.#full
    );
  }

  #isUrgent(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#packets.find(bytes, start, end)?.packet.when === 'always';
  }

  #drain(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    let next = 0;
    while (next < waiting.length && !this.#busy && !this.#left) {
      const bytes = waiting[next++];
      this.#waitingBytes -= bytes.length + 64;
      this.#handle(bytes, 0, bytes.length);
    }
    this.#waiting = waiting.slice(next);
  }

  #handle(bytes: Uint8Array, start: number, end: number): void {
    const match = this.#packets.find(bytes, start, end);
    if (match) this.#reply(this.#run(match), match.packet);
    else this.#send(unsupported);
    if (this.#link.length > mostOutput) this.#full = true;
  }

  #run({ packet, fields }: Match): Reply {
    if (!fields) return new TargetError(`malformed packet, the form is ${packet.pattern.form}`, 22);
    if (!this.attached && packet.when === 'stopped') return new TargetError('no process is being debugged', 3);
    // Each handler was typed by its own notation and needs; the table has made sure of both.
    return (packet.run as (fields: Record<string, unknown>, context: Context) => Reply)(fields, this);
  }

  #reply(reply: Reply, packet?: Packet): void {
    if (reply !== noReply) this.#send(reply, packet);
  }

  #send(reply: Exclude<Reply, typeof noReply>, packet?: Packet): void {
    this.#link.send((output) => {
      if (reply === undefined) output.text('OK');
      else if (typeof reply === 'string') output.text(reply);
      else if (typeof reply === 'function') reply(output);
      else output.text(this.#errorText(reply, packet?.numericErrors ?? false));
    });
  }

  #errorText({ message, errno }: TargetError, numeric: boolean): string {
    const number = `E${(errno & 0xff).toString(16).padStart(2, '0')}`;
    if (this.client === 'lldb') return this.errorStrings ? `${number};${hexText(message)}` : number;
    if (numeric && !this.clientFeatures.has('error-message+')) return number;
    // gdb prints it as it comes, without undoing escapes.
    return `E.${message.replace(/\s+/g, ' ').replace(/[#$*}]/g, '?')}`;
  }

  /**
   * The effects of this call, what is to be sent first of all, before others lead to a new call. With a resume nothing is
   * sent: its stop may follow at once and go out together with it.
   */
  #finish(): readonly Effect[] {
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    if (this.#link.length === 0 || effects.some(({ kind }) => kind === 'resume')) return effects;
    const send: Effect = { kind: 'send', bytes: this.#link.take() };
    return effects.length === 0 ? [send] : [send, ...effects];
  }

  // ---------------------------------------------------------------------------------------------- stops

  /** Tells a stop, or goes on after one that the client does not want to hear of. */
  #judge(stop: Stop): void {
    const next = this.#course.next(stop, this.#interrupted);
    if ('kind' in next) this.#tell(next);
    else this.#go(next);
  }

  #tell(stop: Stop): void {
    this.lastStop = stop;
    this.#interrupted = false;
    if ('thread' in stop) this.generalThread = stop.thread;
    this.#send((output) => writeStop(output, this, stop));
  }

  #go(actions: readonly ResumeAction[]): void {
    this.#machine = 'running';
    this.#effects.push({ kind: 'resume', actions });
  }

  /** The machine stands still, and from now on it is debugged. That it was halted for this is no reason to tell. */
  #begin(): typeof noReply {
    if (!this.attached) this.target.attached?.(true);
    this.attached = true;
    if (this.lastStop.kind === 'interrupted')
      this.lastStop = { kind: 'signal', thread: this.lastStop.thread, signal: Signal.trap };
    if ('thread' in this.lastStop) this.generalThread = this.lastStop.thread;
    return noReply;
  }

  /** Stops a running machine for a purpose of the session. */
  #halt(then: () => Reply): Reply {
    if (this.#machine !== 'running') return then();
    if (!this.#whenStopped) this.#effects.push({ kind: 'interrupt' });
    this.#whenStopped = then;
    return noReply;
  }

  #leave(): void {
    if (this.#left) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    // After a detach there is nothing to be left, but for a machine that was just being halted again.
    if (!this.attached && !this.#whenStopped) this.#left = true;
    else
      this.#halt(() => {
        this.detach();
        this.#left = true;
        return noReply;
      });
  }

  /** A client that cannot be talked to any longer. */
  #end(reason: string): void {
    this.#leave();
    this.#effects.push({ kind: 'close', reason });
  }

  // ---------------------------------------------------------------------------------------------- for packets

  get layout(): Layout {
    this.#layout ??= new Layout(this.target, this.client);
    return this.#layout;
  }

  isLldb(): void {
    if (this.client === 'lldb') return;
    this.client = 'lldb';
    this.#layout = undefined;
  }

  features(): readonly string[] {
    return this.#packets.packets.flatMap(({ features }) => features);
  }

  startNoAckMode(): void {
    this.#link.startNoAckMode();
  }

  thread(named = 0): Result<number> {
    const threads = this.target.threads.list();
    const wanted = named > 0 ? named : this.generalThread;
    if (threads.includes(wanted)) return wanted;
    return named > 0 ? new TargetError(`there is no thread ${named}`, 3) : threads[0];
  }

  resume(actions: readonly ResumeAction[]): Reply {
    if (this.#machine === 'ended') return (output) => writeStop(output, this, this.lastStop);
    this.#course.start(actions);
    this.#interrupted = false;
    this.#go(actions);
    return noReply;
  }

  /** A machine that stands still has nothing to be interrupted: the byte has crossed a stop reply. */
  interrupt(): void {
    if (this.#machine !== 'running' || !this.attached || this.#interrupted || this.#whenStopped) return;
    this.#interrupted = true;
    this.#effects.push({ kind: 'interrupt' });
  }

  attach(): Reply {
    return this.#halt(() => {
      this.#begin();
      return (output) => writeStop(output, this, this.lastStop);
    });
  }

  restart(): Reply {
    const { reset } = this.target;
    if (!reset) return new TargetError('this machine cannot be restarted', 1);
    return this.#halt(() => {
      const error = reset.call(this.target);
      if (error) {
        // Halted only for this: it goes on as it was.
        if (!this.attached) this.resume(continueAll(this.target));
        return error;
      }
      this.#machine = 'stopped';
      this.lastStop = { kind: 'reset', thread: this.target.threads.list()[0] };
      this.#begin();
      return (output) => writeStop(output, this, this.lastStop);
    });
  }

  detach(): void {
    this.breakpoints.clear();
    if (this.attached) this.target.attached?.(false);
    this.attached = false;
    if (this.#machine === 'stopped' && this.options.onDetach === 'resume') this.resume(continueAll(this.target));
  }

  kill(): boolean {
    if (!this.options.allowKill || !this.target.kill) return false;
    this.breakpoints.clear();
    if (this.attached) this.target.attached?.(false);
    this.attached = false;
    this.#machine = 'ended';
    this.lastStop = { kind: 'terminated', signal: Signal.kill };
    this.#effects.push({ kind: 'kill' });
    return true;
  }

  close(): void {
    this.#end('the client has said goodbye');
  }

  print(text: string): void {
    for (let at = 0; at < text.length; at += 4096) this.#send(`O${hexText(text.slice(at, at + 4096))}`);
  }
}
