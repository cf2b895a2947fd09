/** Packets about threads: the CPUs of the machine. */
import { hex, hexText } from '../output.ts';
import { type Context, packet } from '../packet.ts';
import { reasonOf, signalOf, writeStop } from '../stop.ts';
import type { Stop } from '../target.ts';

/** What lldb asks of each thread, in one JSON text. */
function threadJson(context: Context, stop: Stop, thread: number): object {
  const { target, layout } = context;
  const own = 'thread' in stop && stop.thread === thread;
  const registers: Record<string, string> = {};
  for (const { number, bytes } of layout.expedited) {
    const value = target.registers.read(thread, number);
    if (typeof value !== 'bigint') continue;
    const digits = hex(value).padStart(2 * bytes, '0');
    registers[number] = layout.bigEndian ? digits : digits.match(/../g)!.reverse().join('');
  }
  return {
    tid: thread,
    name: target.threads.name(thread),
    registers,
    ...(own ? { reason: reasonOf(stop) ?? 'signal', signal: signalOf(stop) } : { reason: 'none' }),
  };
}

export const threadPackets = [
  packet('Hg{thread:thread}', {
    doc: 'Choose the thread whose registers and memory are meant.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      if (named > 0) context.generalThread = thread;
      return undefined;
    },
  }),

  packet('Hc{thread:thread}', {
    doc: 'Choose the thread that s and c let go; the others then stay.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      context.continueThread = named > 0 ? thread : 0;
      return undefined;
    },
  }),

  packet('T{thread:thread}', {
    doc: 'Ask whether a thread is there.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      return typeof thread === 'number' ? undefined : thread;
    },
  }),

  packet('qC', {
    doc: 'The thread that is chosen.',
    run: (_, context) => {
      const thread = context.thread();
      return typeof thread === 'number' ? `QC${hex(thread)}` : thread;
    },
  }),

  packet('qfThreadInfo', {
    doc: 'All threads, from 1; there are never so many that a second packet is needed.',
    run: (_, { target }) => `m${target.threads.list().map(hex).join(',')}`,
  }),

  packet('qsThreadInfo', {
    doc: 'No more threads.',
    run: () => 'l',
  }),

  packet('qThreadExtraInfo,{thread:thread}', {
    doc: 'What info threads shows behind a thread.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      const { threads } = context.target;
      return hexText(`${threads.name(thread)}: ${threads.extra(thread)}`);
    },
  }),

  packet('qThreadStopInfo{thread:thread}', {
    doc: 'The stop reply of one thread, for lldb.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      return (output) => writeStop(output, context, context.lastStop, thread);
    },
  }),

  packet('jThreadsInfo', {
    doc: 'All threads with why they stopped and their first registers, as JSON, for lldb.',
    run: (_, context) =>
      JSON.stringify(context.target.threads.list().map((thread) => threadJson(context, context.lastStop, thread))),
  }),
];
