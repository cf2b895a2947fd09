/** Writes docs/INSTRUCTIONS.md from the definitions. */
import { analyseShape } from '../builder/analyse.ts';
import { a64Groups } from './index.ts';
import type { A64Instruction } from './instruction.ts';
import { shapesOf } from './shapes.ts';

const introduction = `# A64 instructions

Every A64 instruction that the simulator knows; any other word is UNDEFINED, and so is one of a feature (FEAT_FP16 ...) that
the CPU has not. This file is made from \`src/arm/a64\`.

- Encoding: bits 31 to 0. \`x\` is a bit that is ignored, \`Rn:5\` a field of five bits, a bare name a field of one.
- Effects: NZCV where some form reads or writes the flags; bytes that are loaded and stored (for a pair, of both) and
  how, where it is not the normal way; "CPU" where not the engine but the CPU around it carries the instruction out.
- Handlers: how many functions of the interpreter are made of the definition, one for each shape.
`;

const cell = (text: string) => text.replaceAll('|', '\\|');

function effects(instruction: A64Instruction): string {
  const all = shapesOf(instruction).map((shape) => analyseShape(instruction, shape));
  const found = new Set<string>();
  if (all.some((a) => a.readsFlags)) found.add('reads NZCV');
  if (all.some((a) => a.writesFlags)) found.add('writes NZCV');
  for (const access of ['load', 'store'] as const) {
    const accesses = all.flatMap((a) => a.accesses.filter((one) => one.access === access));
    const sizes = [...new Set(accesses.map(({ bytes }) => bytes))].sort((a, b) => a - b);
    const kinds = new Set(accesses.map(({ kind }) => kind).filter((kind) => kind !== 'normal'));
    if (sizes.length > 0) found.add([`${access}s ${sizes.join('/')}`, ...kinds].join(' '));
  }
  if (all.some((a) => a.readsFpcr)) found.add('reads FPCR');
  if (all.some((a) => a.accumulatesFpsr)) found.add('sets FPSR');
  for (const { branch, raise, plainSystem, system, writesState } of all) {
    if (branch !== undefined) found.add(branch === 'call' || branch === 'blr' ? 'calls' : 'branches');
    if (raise !== undefined) found.add(raise === 'undefined' ? 'is UNDEFINED' : `raises ${raise.toUpperCase()}`);
    if (writesState.length > 0) found.add('exclusive monitor');
    if (plainSystem !== undefined) found.add('plain storage');
    if (system) found.add('CPU');
  }
  return [...instruction.features, ...found].join(', ');
}

/** The whole file. */
export function renderInstructions(): string {
  const groups = a64Groups.map(({ title, instructions }) => {
    const rows = instructions.map(
      (instruction) =>
        `| ${cell(instruction.name)} | \`${instruction.diagram}\` | ${effects(instruction)} | ${shapesOf(instruction).length} |`,
    );
    return `## ${title}\n\n| Instruction | Encoding | Effects | Handlers |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return [introduction, ...groups].join('\n');
}
