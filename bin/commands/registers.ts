/** `registers [GLOB]`: the catalogue. */
import type { ArgumentsCamelCase, CommandModule } from 'yargs';
import { allRegisters, catalogueJson, globMatcher } from '../../src/arm/index.ts';
import { UserError } from '../message.ts';
import { parseRegister } from '../options.ts';

interface Options {
  readonly glob?: string;
  readonly json: boolean;
}

export const registersOptions = {
  json: { type: 'boolean', default: false, describe: 'All fields, for programs' },
} as const;

type Register = (typeof allRegisters)[number];

export const registers: CommandModule<unknown, Options> = {
  command: 'registers [glob]',
  describe: 'List the AArch64 registers that are known here',
  builder: (yargs) =>
    yargs
      .positional('glob', { type: 'string', describe: "Names or patterns between commas, as 'TTBR*,vbar_el1'" })
      .options(registersOptions)
      .example('$0 registers', 'all of them')
      .example('$0 registers SCTLR_EL1', 'one with its fields')
      .example("$0 registers 'ID_AA64*' --json", 'for programs'),
  handler: ({ glob, json }: ArgumentsCamelCase<Options>) => {
    const chosen = glob === undefined ? allRegisters : choose(glob);
    const text = json
      ? JSON.stringify(catalogueJson(chosen), null, 1)
      : chosen.length === 1
        ? page(chosen[0])
        : table(chosen.map(row));
    process.stdout.write(`${text}\n`);
  },
};

/** What matches nothing is an error, with a near name if it was one name. */
function choose(glob: string): readonly Register[] {
  const matches = globMatcher(glob);
  const found = allRegisters.filter(({ name }) => matches(name));
  if (found.length > 0) return found;
  if (!/[*?,]/.test(glob)) return [parseRegister(glob)];
  throw new UserError(`${glob} matches no register`);
}

const row = (register: Register): string[] => [
  register.name,
  'encoding' in register ? register.encoding.join(' ') : '',
  'access' in register ? register.access : 'RW',
  register.group,
  register.title,
];

const bitRange = (high: number, low: number): string => (high === low ? `${high}` : `${high}:${low}`);

function page(register: Register): string {
  const fields = register.fields.flatMap(({ name, high, low, values = {} }) => [
    ['', bitRange(high, low), name],
    ...Object.entries(values).map(([value, meaning]) => ['', '', `  ${value}: ${meaning}`]),
  ]);
  return [table([row(register)]), table(fields)].filter(Boolean).join('\n');
}

/** Columns two spaces apart. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column].length))) ?? [];
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column])).join('  ');
  return rows.map((cells) => line(cells).trimEnd()).join('\n');
}
