/**
 * From the packet that lets the machine go to the stop that the client is told: breakpoints whose conditions are false, or
 * that only have commands to be run, are passed on the way.
 */
import type { AgentContext } from './agent.ts';
import type { Breakpoint } from './breakpoints.ts';
import type { Context } from './packet.ts';
import { programCounter } from './stop.ts';
import { type ResumeAction, type Stop, TargetError } from './target.ts';

export class Course {
  readonly #context: Context;
  /** What the client asked for. */
  #actions: readonly ResumeAction[] = [];
  /** Where it was then, if that may matter. */
  #from: bigint | undefined;
  /** The address of a breakpoint that a step leads over. */
  #over: bigint | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  start(actions: readonly ResumeAction[]): void {
    this.#actions = actions;
    const mayPass = this.#context.breakpoints.decide && actions.length > 0;
    this.#from = mayPass ? programCounter(this.#context, actions[0].thread) : undefined;
  }

  /**
   * The stop to be told, or what the machine goes on with.
   * @param interrupted the client wants a stop: whatever would have been passed is one
   */
  next(reported: Stop, interrupted: boolean): Stop | readonly ResumeAction[] {
    let stop = reported;
    if (this.#over !== undefined) {
      this.abandon();
      if (stop.kind === 'step') {
        const after = this.#afterStepOver(stop, interrupted);
        if (!('kind' in after)) return after;
        stop = after;
      }
    }
    return stop.kind === 'breakpoint' ? this.#atBreakpoint(stop, interrupted) : stop;
  }

  /** Puts back the breakpoint that was out of the way. */
  abandon(): void {
    if (this.#over !== undefined) this.#context.breakpoints.lower(this.#over);
    this.#over = undefined;
  }

  #afterStepOver({ thread }: { readonly thread: number }, interrupted: boolean): Stop | readonly ResumeAction[] {
    const { breakpoints } = this.#context;
    const pc = programCounter(this.#context, thread);
    if (this.#hasArrived(thread, pc)) return { kind: 'step', thread };
    const here = pc === undefined ? [] : breakpoints.at(pc);
    if (here.length > 0) return { kind: 'breakpoint', thread, hardware: here.some(({ kind }) => kind === 'hardware') };
    return interrupted ? { kind: 'interrupted', thread } : this.#actions;
  }

  #atBreakpoint(stop: Stop & { readonly kind: 'breakpoint' }, interrupted: boolean): Stop | readonly ResumeAction[] {
    const { thread } = stop;
    const { breakpoints } = this.#context;
    const pc = programCounter(this.#context, thread);
    const here = pc === undefined ? [] : breakpoints.at(pc);
    if (pc === undefined || here.length === 0 || !this.#passes(here, thread)) return stop;
    if (interrupted) return { kind: 'interrupted', thread };
    if (this.#hasArrived(thread, pc)) return { kind: 'step', thread };
    // One step with the breakpoint out of the way; the other threads wait.
    breakpoints.lift(pc);
    this.#over = pc;
    return [{ thread, kind: 'step', signal: 0 }];
  }

  /** Whether a thread that is at this pc has done the step, or left the range, that was asked for. */
  #hasArrived(thread: number, pc: bigint | undefined): boolean {
    const action = this.#actions.find((one) => one.thread === thread);
    if (action?.kind !== 'step' || pc === undefined) return false;
    if (action.range) return pc < action.range.start || pc >= action.range.end;
    return pc !== this.#from;
  }

  /** Whether the machine goes on although it is at these breakpoints: by their conditions, or after their commands. */
  #passes(here: readonly Breakpoint[], thread: number): boolean {
    const agent = agentContext(this.#context, thread);
    // A condition that cannot be evaluated stops: gdb evaluates it again and tells why.
    const hit = here.filter(
      ({ conditions }) => conditions.length === 0 || conditions.some((condition) => condition.evaluate(agent) !== 0n),
    );
    if (hit.some(({ commands }) => commands.length === 0)) return false;
    for (const command of hit.flatMap(({ commands }) => commands)) {
      const error = command.execute(agent);
      if (error) this.#context.print(`${error.message}\n`);
    }
    return true;
  }
}

/** What conditions and commands see of the machine. */
const agentContext = (context: Context, thread: number): AgentContext => ({
  readRegister: (register) => {
    const value = context.target.registers.read(thread, register);
    return typeof value === 'bigint' ? value : undefined;
  },
  readMemory: (address, length) => {
    const data = context.target.memory.read(thread, address, length);
    return data instanceof TargetError || data.length < length ? undefined : data;
  },
  bigEndian: context.layout.bigEndian,
  print: (text) => context.print(text),
});
