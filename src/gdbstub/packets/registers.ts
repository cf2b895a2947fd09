/** Packets that read and write registers. */

import type { LayoutRegister } from '../layout.ts';
import { type Context, packet, type Reply } from '../packet.ts';
import { type RegisterWrite, type Result, TargetError } from '../target.ts';

const mostSaved = 64;

/** One register; `xx` for gdb and an error for lldb if its value cannot be known. */
function readOne(context: Context, number: number, named: number | undefined): Reply {
  const thread = context.thread(named);
  if (typeof thread !== 'number') return thread;
  const register = context.layout.register(number);
  if (register instanceof TargetError) return register;
  const value = context.target.registers.read(thread, number);
  if (value instanceof TargetError) return value;
  if (value === undefined && context.client === 'lldb')
    return new TargetError(`${register.name} cannot be read now`, 1);
  return (output) => context.layout.write(output, register, value);
}

function writeOne(context: Context, number: number, bytes: Uint8Array, named: number | undefined): Reply {
  const thread = context.thread(named);
  if (typeof thread !== 'number') return thread;
  const register = context.layout.register(number);
  if (register instanceof TargetError) return register;
  if (bytes.length !== register.bytes)
    return new TargetError(`${register.name} has ${register.bytes} bytes, the packet ${bytes.length}`, 22);
  return context.target.registers.write(thread, number, context.layout.value(bytes));
}

/** What a G packet writes: registers that are `xx` are left out. */
function parseAll(context: Context, text: string): Result<readonly RegisterWrite[]> {
  const { general } = context.layout;
  const wanted = general.reduce((sum, { bytes }) => sum + bytes, 0);
  if (text.length !== 2 * wanted)
    return new TargetError(`the general registers have ${wanted} bytes, the packet ${text.length / 2}`, 22);
  const writes: RegisterWrite[] = [];
  let at = 0;
  for (const register of general) {
    const value = parseValue(context, register, text.slice(at, at + 2 * register.bytes));
    at += 2 * register.bytes;
    if (value instanceof TargetError) return value;
    if (value !== undefined) writes.push({ register: register.number, value });
  }
  return writes;
}

function parseValue(context: Context, { name, bytes }: LayoutRegister, digits: string): Result<bigint | undefined> {
  if (/^x+$/.test(digits)) return undefined;
  if (!/^[0-9a-fA-F]+$/.test(digits)) return new TargetError(`the value of ${name} is not hexadecimal`, 22);
  return context.layout.value(
    Uint8Array.from({ length: bytes }, (_, index) => Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16)),
  );
}

export const registerPackets = [
  packet('g[;thread:{thread:thread};]', {
    doc: 'Read the general registers, in the order of target.xml. One whose value cannot be known is xx.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      const { layout, target } = context;
      return (output) => {
        for (const register of layout.general) {
          const value = target.registers.read(thread, register.number);
          layout.write(output, register, typeof value === 'bigint' ? value : undefined);
        }
      };
    },
  }),

  packet('G{values:text}[;thread:{thread:thread};]', {
    doc: 'Write the general registers: all of them or none. One that is xx is left as it is.',
    run: ({ values, thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      const writes = parseAll(context, values);
      return writes instanceof TargetError ? writes : context.target.registers.writeAll(thread, writes);
    },
  }),

  packet('p{register:int}[;thread:{thread:thread};]', {
    doc: 'Read one register. One whose value cannot be known is xx for gdb and an error for lldb.',
    run: ({ register, thread }, context) => readOne(context, register, thread),
  }),

  packet('P{register:int}={value:hex}[;thread:{thread:thread};]', {
    doc: 'Write one register. OK only if the machine holds exactly this value.',
    run: ({ register, value, thread }, context) => writeOne(context, register, value, thread),
  }),

  packet('QSaveRegisterState[;thread:{thread:thread};]', {
    doc: 'Keep the registers that a call of a function in the target would change; the reply is a number for them.',
    run: ({ thread: named }, context) => {
      const thread = context.thread(named);
      if (typeof thread !== 'number') return thread;
      const writes: RegisterWrite[] = [];
      for (const { number } of context.layout.saved) {
        const value = context.target.registers.read(thread, number);
        if (typeof value === 'bigint') writes.push({ register: number, value });
      }
      const saved = context.savedRegisters;
      const id = Math.max(0, ...saved.keys()) + 1;
      if (saved.size === mostSaved) saved.delete(saved.keys().next().value!);
      saved.set(id, { thread, writes });
      return String(id);
    },
  }),

  packet('QRestoreRegisterState:{id:text}[;thread:{thread:thread};]', {
    doc: 'Write back what QSaveRegisterState kept, all or nothing, and forget it. The number is decimal.',
    run: ({ id }, context) => {
      const saved = /^\d+$/.test(id) ? context.savedRegisters.get(Number(id)) : undefined;
      if (!saved) return new TargetError(`no registers were saved as ${id}`, 2);
      const error = context.target.registers.writeAll(saved.thread, saved.writes);
      if (!error) context.savedRegisters.delete(Number(id));
      return error;
    },
  }),
];
