/** `monitor sysreg`: system registers decoded, and edited by name or by field. */
import {
  commonRegisters,
  explainValue,
  type Field,
  findRegister,
  formatBrief,
  formatExplained,
  hex,
  layoutOf,
  nearestName,
  registersByGlob,
  replaceBits,
  type SystemRegister,
  systemRegisters,
} from '../../arm/index.ts';
import { type Outcome, type Result, TargetError } from '../../gdbstub/index.ts';
import { refuse } from '../errors.ts';
import type { GuestRegister } from '../register-table.ts';
import { type Command, type CommandContext, parseNumber } from './command.ts';

interface Found {
  readonly register: GuestRegister;
  readonly definition: SystemRegister;
}

/** By name in any case or as S3_0_C1_C0_0. */
function find({ cpu }: CommandContext, name: string): Result<Found> {
  const definition = findRegister(name);
  if (!('number' in definition)) return refuse('SYSREG_UNKNOWN', name, definition.suggestion);
  const register = cpu.table.system.get(definition.number);
  return register ? { register, definition } : refuse('SYSREG_ABSENT', definition.name, definition.feature);
}

function list(context: CommandContext, definitions: readonly SystemRegister[]): string {
  const width = Math.max(...definitions.map(({ name }) => name.length));
  const lines = definitions.map((definition) => {
    const register = context.cpu.table.system.get(definition.number);
    const value = register && context.guest.registers.readRegister(context.cpu, register);
    const brief = value === undefined ? '' : formatBrief(explainValue(definition, value));
    const shown = value === undefined ? '<unavailable>' : hex(value, 16);
    return `${definition.name.padEnd(width)}  ${shown}  ${brief}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}

function show(context: CommandContext, { register, definition }: Found): string {
  const value = context.guest.registers.readRegister(context.cpu, register);
  return value === undefined
    ? `${definition.name}  <unavailable>\n`
    : `${formatExplained(explainValue(definition, value)).join('\n')}\n`;
}

function showAll(context: CommandContext, glob: string): Result<string> {
  const wanted =
    glob === '' || glob === 'common' ? commonRegisters : glob === 'all' ? systemRegisters : registersByGlob(glob);
  const present = wanted.filter(({ number }) => context.cpu.table.system.has(number));
  return present.length === 0 ? refuse('SYSREG_UNKNOWN', glob, undefined) : list(context, present);
}

/** A field by its name in any case. */
function findField(fields: readonly Field[], { name }: SystemRegister, wanted: string): Result<Field> {
  const named = fields.filter(({ kind }) => kind === 'field');
  const field = named.find((one) => one.name.toLowerCase() === wanted.toLowerCase());
  return (
    field ??
    refuse(
      'FIELD_UNKNOWN',
      name,
      wanted,
      nearestName(
        wanted,
        named.map((one) => one.name),
      ),
    )
  );
}

/** The whole register's value with one field replaced. */
function withField(definition: SystemRegister, old: bigint, wanted: string, value: bigint): Result<bigint> {
  const field = findField(layoutOf(definition, old).fields, definition, wanted);
  if (field instanceof TargetError) return field;
  const width = field.high - field.low + 1;
  if (value >> BigInt(width) !== 0n) return refuse('FIELD_TOO_WIDE', definition.name, field.name, value, width);
  return replaceBits(old, field.high, field.low, value);
}

/** Writes and tells what came of it, with the journal's warning. */
function write(context: CommandContext, { register }: Found, old: bigint, value: bigint): Result<string> {
  const { registers, journal } = context.guest;
  const outcome: Outcome = registers.writeRegister(context.cpu, register, value);
  if (outcome) return outcome;
  const edit = journal.edits().at(-1);
  const held = edit?.held ?? value;
  const partial = held === value ? '' : `, of ${hex(value)}: the other bits did not stick`;
  const warning = edit?.note ? `warning: ${edit.note}\n` : '';
  return `${register.name}: ${hex(old)} -> ${hex(held)}${partial}\n${warning}`;
}

function edit(context: CommandContext, name: string, field: string | undefined, text: string): Result<string> {
  const found = find(context, name);
  if (found instanceof TargetError) return found;
  const value = parseNumber(text);
  if (value === undefined) return refuse('VALUE_SYNTAX', text);
  const old = context.guest.registers.readRegister(context.cpu, found.register);
  if (old === undefined) return refuse('REGISTER_UNREADABLE', found.definition.name, 'the machine does not show it');
  const whole = field === undefined ? value : withField(found.definition, old, field, value);
  return whole instanceof TargetError ? whole : write(context, found, old, whole);
}

function poke(context: CommandContext, name: string): Result<string> {
  const found = find(context, name);
  if (found instanceof TargetError) return found;
  const value = context.guest.registers.readRegister(context.cpu, found.register);
  if (value === undefined) return refuse('REGISTER_UNREADABLE', found.definition.name, 'the machine does not show it');
  return write(context, found, value, value);
}

export const sysreg: Command = {
  name: 'sysreg',
  usage: ['sysreg [GLOB]', 'sysreg NAME', 'sysreg NAME[.FIELD]=VALUE', 'sysreg poke NAME'],
  summary: 'Show system registers decoded, or write one',
  details: [
    'Names in any case, or as S3_0_C1_C0_0. GLOB as TTBR?_EL1,SCTLR*; common (the default) or all.',
    'A write is proved: it succeeds only if the machine then holds exactly the value, else nothing has changed.',
    'poke writes the value that the register has: gdb never sends such a write.',
    'gdb keeps its own copy of registers: maint flush register-cache after a write from here.',
  ],
  run(context, argument) {
    const assignment = /^([^\s.=]+)(?:\.([^\s=]+))?\s*=\s*(\S+)$/.exec(argument);
    if (assignment) return edit(context, assignment[1], assignment[2], assignment[3]);
    const poked = /^poke\s+(\S+)$/.exec(argument);
    if (poked) return poke(context, poked[1]);
    if (/[\s=]/.test(argument)) return undefined;
    if (argument === '' || /[*?,]/.test(argument) || /^(all|common)$/.test(argument)) return showAll(context, argument);
    const found = find(context, argument);
    return found instanceof TargetError ? found : show(context, found);
  },
};
