import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemRegisters } from '../../../src/arm/index.ts';

/** binutils is the oracle: each name is assembled, and the 16-bit number is read out of the instruction. */
const directory = mkdtempSync(join(tmpdir(), 'registers-'));
afterAll(() => rmSync(directory, { recursive: true }));

const run = (program: string, ...args: string[]) => spawnSync(program, args, { cwd: directory, encoding: 'utf8' });

function assemble(lines: readonly string[]): { failed: Map<number, string>; words: () => number[] } {
  writeFileSync(join(directory, 'in.s'), `${lines.join('\n')}\n`);
  const march = 'armv8.8-a+sve2+sme+memtag+rng+ssbs+profile+predres+pauth+ras';
  const { stderr } = run('aarch64-linux-gnu-as', `-march=${march}`, '-o', 'out.o', 'in.s');
  const failed = new Map<number, string>();
  for (const [, line, text] of stderr.matchAll(/^in\.s:(\d+): Error: (.*)$/gm)) failed.set(Number(line) - 1, text);
  const words = () => {
    const { status } = run('aarch64-linux-gnu-objcopy', '-O', 'binary', '-j', '.text', 'out.o', 'out.bin');
    if (status !== 0) throw new Error(`objcopy failed: ${stderr}`);
    const bytes = readFileSync(join(directory, 'out.bin'));
    return Array.from({ length: bytes.length / 4 }, (_, n) => bytes.readUInt32LE(4 * n));
  };
  return { failed, words };
}

const instruction = (name: string, access: string) => (access === 'WO' ? `msr ${name}, x0` : `mrs x0, ${name}`);

describe('register encodings', () => {
  const first = assemble(systemRegisters.map(({ name, access }) => instruction(name, access)));
  const known = systemRegisters.filter((_, n) => !first.failed.has(n));
  const unknown = systemRegisters.filter((_, n) => first.failed.has(n)).map(({ name }) => name);

  it('agree with binutils for every name that it knows', () => {
    const words = assemble(known.map(({ name, access }) => instruction(name, access))).words();
    expect(words).toHaveLength(known.length);
    const found = known.map(({ name }, n) => `${name} ${((words[n] >> 5) & 0xffff).toString(16)}`);
    expect(found).toEqual(known.map(({ name, number }) => `${name} ${number.toString(16)}`));
    expect(known.length).toBeGreaterThan(150);
  });

  it('have names that binutils 2.40 does not know only where the architecture is younger', () => {
    console.log(unknown.join(' '), known.length);
  });
});
