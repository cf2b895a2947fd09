/** `monitor translate` and `monitor phys`: where an address leads, and RAM by physical address. */
import { Access, faultStatus, hex, newTranslationResult, TRANSLATED } from '../../arm/index.ts';
import { TargetError } from '../../gdbstub/index.ts';
import { refuse } from '../errors.ts';
import type { ExecutionCpu } from '../execution.ts';
import { type Command, parseNumber } from './command.ts';

const END = 1n << 64n;
const MOST = 4096n;

const rights = ({ readable, writable, executable }: { readable: boolean; writable: boolean; executable: boolean }) =>
  `${readable ? 'r' : '-'}${writable ? 'w' : '-'}${executable ? 'x' : '-'}`;

/** What one exception level may do there, or the fault that it gets. */
function permissions({ translation }: ExecutionCpu, address: bigint, privileged: boolean): string {
  const result = newTranslationResult();
  for (const access of [Access.read, Access.write, Access.execute])
    if (translation.walk(address, access, privileged, false, result) === TRANSLATED) return rights(result);
  return '---';
}

function explain(cpu: ExecutionCpu, address: bigint): string {
  const { translation } = cpu;
  const physical = translation.translate(address);
  const result = newTranslationResult();
  const status = translation.walk(address, Access.read, true, false, result);
  const fault = status === TRANSLATED ? '' : `; a read at EL1 faults: ${faultStatus[status] ?? hex(status)}`;
  if (physical === undefined) return `${hex(address)} is not mapped${fault}\n`;
  const attributes = status === TRANSLATED ? `, attributes ${hex(result.attribute, 2)}` : '';
  const both = `EL1 ${permissions(cpu, address, true)}, EL0 ${permissions(cpu, address, false)}`;
  return `${hex(address)} -> ${hex(physical)}: ${both}${attributes}${fault}\n`;
}

export const translate: Command = {
  name: 'translate',
  usage: ['translate ADDRESS'],
  summary: 'Show where a virtual address leads now, and what EL1 and EL0 may do there',
  run({ cpu }, argument) {
    const address = parseNumber(argument);
    return address === undefined || address >= END ? undefined : explain(cpu, address);
  },
};

function dump(address: bigint, bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0'));
    text += `${hex(address + BigInt(at), 8)}  ${row.join(' ')}\n`;
  }
  return text;
}

export const phys: Command = {
  name: 'phys',
  usage: ['phys ADDRESS [LENGTH]'],
  summary: 'Show RAM by physical address, at most 4096 bytes',
  run({ guest }, argument) {
    const [first, second = '64', ...rest] = argument.split(/\s+/);
    const [address, length] = [parseNumber(first), parseNumber(second)];
    if (rest.length > 0 || address === undefined || length === undefined || length === 0n || length > MOST)
      return undefined;
    if (address >= END) return refuse('MEMORY_NOT_RAM', address, address);
    const bytes = guest.memory.readPhysical(address, Number(length));
    return bytes instanceof TargetError ? bytes : dump(address, bytes);
  },
};
