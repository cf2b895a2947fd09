import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { genericName, registerName, systemRegisters } from '../../../src/arm/index.ts';

/** binutils is the oracle: each name is assembled, and the 16-bit number is read out of the instruction. */
const directory = mkdtempSync(join(tmpdir(), 'registers-'));
afterAll(() => rmSync(directory, { recursive: true }));

const run = (program: string, ...args: string[]) =>
  spawnSync(program, args, { cwd: directory, encoding: 'utf8', maxBuffer: 2 ** 24 });
const march = '-march=armv8.8-a+sve2+sme+memtag+rng+ssbs+profile+predres+pauth+ras';

/** The assembler's complaints by line, counted from 0, and the words if there was no error. */
function assemble(lines: readonly string[]): { errors: Set<number>; warnings: Set<number>; words: number[] } {
  writeFileSync(join(directory, 'in.s'), `${lines.join('\n')}\n`);
  const { stderr, status } = run('aarch64-linux-gnu-as', march, '-o', 'out.o', 'in.s');
  const linesWith = (kind: string) =>
    new Set([...stderr.matchAll(new RegExp(`^in\\.s:(\\d+): ${kind}: `, 'gm'))].map(([, line]) => Number(line) - 1));
  const [errors, warnings] = [linesWith('Error'), linesWith('Warning')];
  if (status !== 0 && errors.size === 0) throw new Error(stderr);
  if (status !== 0) return { errors, warnings, words: [] };
  if (run('aarch64-linux-gnu-objcopy', '-O', 'binary', '-j', '.text', 'out.o', 'out.bin').status !== 0)
    throw new Error('objcopy failed');
  const bytes = readFileSync(join(directory, 'out.bin'));
  return { errors, warnings, words: Array.from({ length: bytes.length / 4 }, (_, n) => bytes.readUInt32LE(4 * n)) };
}

const read = ({ name }: { name: string }) => `mrs x0, ${name}`;
const write = ({ name }: { name: string }) => `msr ${name}, x0`;
const hex = (value: number) => value.toString(16);

/** Younger than binutils 2.40. */
const younger = [
  'FPMR',
  'ID_AA64DFR2_EL1',
  'ID_AA64FPFR0_EL1',
  'ID_AA64ISAR3_EL1',
  'ID_AA64MMFR3_EL1',
  'ID_AA64MMFR4_EL1',
  'ID_AA64PFR2_EL1',
  'PIRE0_EL1',
  'PIR_EL1',
  'POR_EL0',
  'POR_EL1',
  'TCR2_EL1',
];

/** Read-only to EL1, but the highest exception level writes them. */
const writtenByEl3 = /^(CNTFRQ_EL0|AMCR_EL0|AMCNTEN(SET|CLR)[01]_EL0|AMEVCNTR\d+_EL0|AMEVTYPER1\d+_EL0)$/;

describe('system register encodings, against binutils', () => {
  const { errors } = assemble(systemRegisters.map(read));
  const known = systemRegisters.filter((_, n) => !errors.has(n));
  const unknown = systemRegisters.filter((_, n) => errors.has(n)).map(({ name }) => name);

  it('knows every name but a few young ones', () => {
    expect(unknown.filter((name) => !younger.includes(name))).toEqual([]);
    expect(known.length).toBeGreaterThan(400);
  });

  it.each([
    ['mrs', read],
    ['msr', write],
  ])('has the same number in %s for every name', (_, instruction) => {
    const { words } = assemble(known.map(instruction));
    expect(words).toHaveLength(known.length);
    const found = known.map(({ name }, n) => `${name} ${hex((words[n] >> 5) & 0xffff)}`);
    expect(found).toEqual(known.map(({ name, number }) => `${name} ${hex(number)}`));
  });

  it('has the same number for every generic name', () => {
    const { words } = assemble(systemRegisters.map(({ encoding }) => read({ name: genericName(encoding) })));
    expect(words.map((word) => hex((word >> 5) & 0xffff))).toEqual(systemRegisters.map(({ number }) => hex(number)));
  });

  it('warns where the catalogue says read-only or write-only, and nowhere else', () => {
    const named = known.filter(({ name, encoding }) => name !== genericName(encoding) && !writtenByEl3.test(name));
    const [reads, writes] = [assemble(named.map(read)), assemble(named.map(write))];
    const assembler = named.map(({ name }, n) => [name, !reads.warnings.has(n), !writes.warnings.has(n)].join(' '));
    const catalogue = named.map(({ name, access }) => [name, access !== 'WO', access !== 'RO'].join(' '));
    expect(assembler).toEqual(catalogue);
  });
});

/** What binutils knows beyond the catalogue: trace units, extensions of Armv8.7 and later, the R profile's MPU. */
const beyond =
  /^(TRC|TRB|BRB|CSR|SMCR|SMIDR|SMPRI|SVCR$|TPIDR2|MPAMSM|ALLINT$|ACCDATA|TEECR|TEEHBR|MPUIR|PRENR|PRSELR|PRBAR|PRLAR)/;

describe('every number that MRS can name, against objdump', () => {
  const numbers = Array.from({ length: 0x8000 }, (_, n) => 0x8000 + n);
  writeFileSync(
    join(directory, 'all.bin'),
    Uint32Array.from(numbers, (number) => 0xd5200000 | (number << 5)),
  );
  const { stdout } = run('aarch64-linux-gnu-objdump', '-b', 'binary', '-m', 'aarch64', '-D', 'all.bin');
  const names = [...stdout.matchAll(/\tmrs\tx0, (\S+)/g)].map(([, name]) => name.toUpperCase());

  it('has the same name in the catalogue, or none in either', () => {
    expect(names).toHaveLength(numbers.length);
    const differences = numbers.flatMap((number, n) => {
      const mine = registerName(number).toUpperCase();
      return mine === names[n] || beyond.test(names[n]) || younger.includes(mine) ? [] : [`${mine} ${names[n]}`];
    });
    expect(differences).toEqual([]);
  });
});
