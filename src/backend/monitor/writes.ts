/** `monitor writes`: the journal of edits, and what happens to a write of which only some bits stick. */
import { hex } from '../../arm/index.ts';
import type { Edit } from '../journal.ts';
import type { Command } from './command.ts';

const clock = (time: number): string => new Date(time).toISOString().slice(11, 23);

function line({ sequence, time, cpu, pc, register, old, value, held, outcome, note }: Edit): string {
  const told = note ? `: ${note}` : '';
  const holds = outcome === 'written' ? '' : ` holds ${hex(held)}`;
  return `${sequence} ${clock(time)} cpu${cpu} pc ${hex(pc)} ${register} ${hex(old)} -> ${hex(value)} ${outcome}${holds}${told}`;
}

export const writes: Command = {
  name: 'writes',
  usage: ['writes [COUNT]', 'writes mask|strict'],
  summary: 'Show what was written to registers, or choose whether writes may stick in part',
  details: [
    'Each line: number, time (UTC), CPU, its pc, register, old value -> value to be written, outcome.',
    'strict (the default): a write that sticks only in part is undone and refused. mask: what stuck stays.',
  ],
  run({ guest: { journal, registers } }, argument) {
    if (argument === 'mask' || argument === 'strict') {
      registers.policy = argument;
      return `writes: ${argument}\n`;
    }
    if (!/^\d{0,6}$/.test(argument)) return undefined;
    const all = journal.edits();
    const edits = argument === '' ? all : all.slice(Math.max(0, all.length - Number(argument)));
    const forgotten = journal.count > all.length ? `, of which the last ${all.length} are known` : '';
    return `writes: ${registers.policy}; ${journal.count} so far${forgotten}\n${edits.map((edit) => `${line(edit)}\n`).join('')}`;
  },
};
