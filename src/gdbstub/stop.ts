/** Why the machine stopped, as the debugger reads it. GDB manual, Stop Reply Packets; LLDB, gdbremote.rst. */
import { hex, hexText, type Output } from './output.ts';
import type { Context } from './packet.ts';
import type { Stop } from './target.ts';

/** Signals of the GDB numbering. */
export const Signal = { none: 0, int: 2, trap: 5, abort: 6, kill: 9 } as const;

const watchKey = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

export function signalOf(stop: Stop): number {
  switch (stop.kind) {
    case 'interrupted':
      return Signal.int;
    case 'signal':
    case 'terminated':
      return stop.signal;
    case 'exited':
      return Signal.none;
    default:
      return Signal.trap;
  }
}

/** lldb's word for it; undefined where it draws its own conclusion. */
export function reasonOf(stop: Stop): string | undefined {
  switch (stop.kind) {
    case 'step':
      return 'trace';
    case 'breakpoint':
      return 'breakpoint';
    case 'watchpoint':
      return 'watchpoint';
    case 'interrupted':
    case 'signal':
      return 'signal';
    default:
      return undefined;
  }
}

/** The stop of a thread as a reply. Another thread than the one that stopped has no reason of its own. */
export function writeStop(output: Output, context: Context, stop: Stop, thread?: number): void {
  if (stop.kind === 'exited') output.text(`W${byte(stop.code)}`);
  else if (stop.kind === 'terminated') output.text(`X${byte(stop.signal)}`);
  else writeThread(output, context, stop, thread ?? stop.thread);
}

function writeThread(output: Output, context: Context, stop: Stop & { readonly thread: number }, told: number): void {
  const own = told === stop.thread;
  output.text(`T${byte(own ? signalOf(stop) : Signal.none)}thread:${hex(told)};`);
  if (context.client === 'lldb') writeForLldb(output, context, told, own ? stop : undefined);
  else if (stop.kind === 'breakpoint' && own) {
    const kind = stop.hardware ? 'hwbreak' : 'swbreak';
    if (context.clientFeatures.has(`${kind}+`)) output.text(`${kind}:;`);
  }
  if (stop.kind === 'watchpoint' && own) output.text(`${watchKey[stop.access]}:${hex(stop.address)};`);
  writeExpedited(output, context, told);
}

function writeForLldb(output: Output, context: Context, thread: number, stop: Stop | undefined): void {
  const { target, listThreads } = context;
  const bits = target.host?.addressingBits?.();
  output.text(`name:${plain(target.threads.name(thread))};`);
  if (listThreads) {
    const threads = target.threads.list();
    output.text(`threads:${threads.map(hex).join(',')};`);
    const pcs = threads.map((one) => programCounter(context, one));
    if (!pcs.includes(undefined)) output.text(`thread-pcs:${pcs.map((pc) => hex(pc!)).join(',')};`);
  }
  if (bits) output.text(`low_mem_addressing_bits:${bits.low};high_mem_addressing_bits:${bits.high};`);
  const reason = stop && reasonOf(stop);
  // lldb finds out by itself which watchpoint an address belongs to.
  if (reason && reason !== 'watchpoint') output.text(`reason:${reason};`);
  if (stop?.kind === 'reset') output.text(`description:${hexText('reset')};`);
}

function writeExpedited(output: Output, context: Context, thread: number): void {
  const { target, layout } = context;
  for (const register of layout.expedited) {
    const value = target.registers.read(thread, register.number);
    if (typeof value !== 'bigint') continue;
    output.text(register.prefix);
    layout.write(output, register, value);
    output.text(';');
  }
}

export function programCounter({ target, layout }: Context, thread: number): bigint | undefined {
  const value = layout.pc && target.registers.read(thread, layout.pc.number);
  return typeof value === 'bigint' ? value : undefined;
}

const byte = (value: number): string => hex(value & 0xff).padStart(2, '0');

/** Without the characters that would end it. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]|[:;]/g, '_');
