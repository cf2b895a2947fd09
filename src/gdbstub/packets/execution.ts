/** Packets that let the machine go. */
import { type Context, packet, type Reply } from '../packet.ts';
import { writeStop } from '../stop.ts';
import { type Result, type ResumeAction, TargetError } from '../target.ts';

/** One thread of Hc, or all of them: `c`, `s`, `C`, `S`. */
function go(context: Context, kind: ResumeAction['kind'], signal: number, address: bigint | undefined): Reply {
  const chosen = context.continueThread;
  const thread = context.thread(chosen > 0 ? chosen : undefined);
  if (typeof thread !== 'number') return thread;
  const error = address === undefined ? undefined : jump(context, thread, address);
  if (error) return error;
  const others = chosen > 0 ? [] : context.target.threads.list().filter((other) => other !== thread);
  return context.resume([
    { thread, kind, signal },
    ...others.map((other): ResumeAction => ({ thread: other, kind: 'continue', signal: 0 })),
  ]);
}

function jump({ layout, target }: Context, thread: number, address: bigint): TargetError | undefined {
  if (!layout.pc) return new TargetError('no register is known as the program counter', 22);
  return target.registers.write(thread, layout.pc.number, address);
}

/** `c`, `C05`, `s`, `S05`, `t`, `r1000,1010`. undefined: the thread stays. */
function parseAction(text: string): Result<Omit<ResumeAction, 'thread'> | undefined> {
  if (text === 'c') return { kind: 'continue', signal: 0 };
  if (text === 's') return { kind: 'step', signal: 0 };
  if (text === 't') return undefined;
  const [, letter, signal] = /^([CS])([0-9a-fA-F]{2})$/.exec(text) ?? [];
  if (letter) return { kind: letter === 'C' ? 'continue' : 'step', signal: Number.parseInt(signal, 16) };
  const [, start, end] = /^r([0-9a-fA-F]{1,16}),([0-9a-fA-F]{1,16})$/.exec(text) ?? [];
  if (start) return { kind: 'step', signal: 0, range: { start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) } };
  return new TargetError(`${text.slice(0, 40)} is no action of vCont`, 22);
}

/** A thread-id of an action: 0 for any and all. */
function parseThread(text: string | undefined): number {
  if (text === undefined) return 0;
  const [, id] = /^(?:p-?[0-9a-fA-F]+\.)?(-?[0-9a-fA-F]{1,8})$/.exec(text) ?? [];
  const thread = Number.parseInt(id, 16);
  return Math.max(thread, 0);
}

/** Each thread does what the first action that names it says. */
function parseActions(context: Context, text: string): Result<readonly ResumeAction[]> {
  const waiting = new Set(context.target.threads.list());
  const actions: ResumeAction[] = [];
  for (const one of text.split(';')) {
    const [word, id] = one.split(':', 2);
    const action = parseAction(word);
    if (action instanceof TargetError) return action;
    const named = parseThread(id);
    if (Number.isNaN(named)) return new TargetError(`${one.slice(0, 40)} names no thread`, 22);
    if (named > 0 && !context.target.threads.list().includes(named))
      return new TargetError(`there is no thread ${named}`, 3);
    for (const thread of named > 0 ? [named] : [...waiting]) {
      if (!waiting.delete(thread) || action === undefined) continue;
      actions.push({ thread, ...action });
    }
  }
  return actions;
}

export const executionPackets = [
  packet('vCont?', {
    doc: 'The actions of vCont.',
    when: 'connected',
    run: () => 'vCont;c;C;s;S;t;r',
  }),

  packet('vCont;{actions:text}', {
    doc: 'Let threads go: c continue, s step, C and S with a signal, r step while the pc is in a range, t stay. The stop is the reply.',
    features: ['vContSupported+'],
    run: ({ actions: text }, context) => {
      const actions = parseActions(context, text);
      if (actions instanceof TargetError) return actions;
      if (actions.length === 0) return (output) => writeStop(output, context, context.lastStop);
      return context.resume(actions);
    },
  }),

  packet('c[{address:address}]', {
    doc: 'Continue, from an address if one is given.',
    run: ({ address }, context) => go(context, 'continue', 0, address),
  }),

  packet('s[{address:address}]', {
    doc: 'Step one instruction, from an address if one is given.',
    run: ({ address }, context) => go(context, 'step', 0, address),
  }),

  packet('C{signal:int}[;{address:address}]', {
    doc: 'Continue with a signal.',
    run: ({ signal, address }, context) => go(context, 'continue', signal & 0xff, address),
  }),

  packet('S{signal:int}[;{address:address}]', {
    doc: 'Step with a signal.',
    run: ({ signal, address }, context) => go(context, 'step', signal & 0xff, address),
  }),
];
