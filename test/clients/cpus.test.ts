/** Real gdb with a guest of four CPUs: each is a thread. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assemble } from '../backend/assembled.ts';
import { Debugger } from './debugger.ts';
import { type Served, serveGuest } from './fixture.ts';

/** Every CPU counts its rounds in x19 and, with the others, those of all in `rounds`. */
const source = `
  mov x20, #0
  mov x22, #1
start_others:
  ldr x0, =0xc4000003
  mov x1, x22
  adr x2, second
  mov x3, x22
  hvc #0
  add x22, x22, #1
  cmp x22, #4
  b.ne start_others
  b main
second:
  mov x20, x0
main:
  adr x21, rounds
  mov x19, #0
loop:
  bl work
  b loop
work:
  add x19, x19, #1
  mov x1, #1
  stadd x1, [x21]
  ret
  .balign 8
rounds: .quad 0
`;

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cpus-'));
  file = path.join(folder, 'guest.elf');
  writeFileSync(file, assemble(source).elf);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function attach(): Promise<{ readonly served: Served; readonly gdb: Debugger }> {
  const served = await serveGuest(assemble(source).elf, { cpus: 4 });
  const gdb = await Debugger.gdb(file);
  await gdb.run(`target remote :${served.port}`);
  return { served, gdb };
}

/** To a moment when all CPUs are at work. */
async function started(): Promise<{ readonly served: Served; readonly gdb: Debugger }> {
  const attached = await attach();
  const { gdb } = attached;
  await gdb.run('break work if $x19 == 20 && $x20 == 3', 'continue', 'delete');
  return attached;
}

/** A value of each CPU, by its thread. */
async function ofEach(gdb: Debugger, expression: string): Promise<string[]> {
  const text = await gdb.run(`thread apply all -ascending -q print ${expression}`);
  return [...text.matchAll(/ = (.*)$/gm)].map(([, value]) => value);
}

test('the CPUs are threads, those that are off as well', async () => {
  const { gdb } = await attach();
  const threads = await gdb.run('info threads');
  for (const n of [1, 2, 3, 4]) expect(threads).toMatch(new RegExp(`Thread ${n} "cpu${n - 1}" \\(EL1h, halted`));
  expect(await ofEach(gdb, '/x $MPIDR_EL1')).toEqual([0, 1, 2, 3].map((n) => `0x${(0x8000_0000 + n).toString(16)}`));
});

test('a breakpoint is one of all CPUs', async () => {
  const { gdb } = await started();
  await gdb.run('break work');
  const hit = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const stop = await gdb.run('continue');
    hit.add(/Thread (\d) "cpu\d" hit Breakpoint/.exec(stop)?.[1] ?? stop);
  }
  expect([...hit].sort()).toEqual(['1', '2', '3', '4']);
});

test('with the scheduler locked only one CPU goes on, for steps and for longer', async () => {
  const { gdb } = await started();
  const before = await ofEach(gdb, '$x19');
  await gdb.run('thread 3', 'set scheduler-locking on', 'stepi', 'stepi', 'break work');
  for (let i = 0; i < 5; i++) expect(await gdb.run('continue')).toContain('Thread 3 "cpu2" hit Breakpoint');
  const after = await ofEach(gdb, '$x19');
  expect(Number(after[2]) - Number(before[2])).toBeGreaterThanOrEqual(4);
  expect(after.with(2, before[2])).toEqual(before);
  await gdb.run('delete', 'set scheduler-locking off', 'break work if $x20 == 0');
  expect(await gdb.run('continue')).toContain('Thread 1 "cpu0" hit Breakpoint');
});

test('a step keeps the others still', async () => {
  const { gdb } = await started();
  await gdb.run('thread 2');
  const before = await ofEach(gdb, '$pc');
  for (let i = 0; i < 9; i++) await gdb.run('stepi');
  const after = await ofEach(gdb, '$pc');
  expect(after.with(1, before[1])).toEqual(before);
});

test('registers are those of one CPU, memory is that of all', async () => {
  const { gdb } = await started();
  await gdb.run('thread 2', 'set var $x25 = 0x1234', 'set var $TPIDR_EL1 = 0x55', 'set var $v7.d.u[1] = 9');
  expect(await ofEach(gdb, '/x $x25')).toEqual(['0x0', '0x1234', '0x0', '0x0']);
  expect(await ofEach(gdb, '/x $TPIDR_EL1')).toEqual(['0x0', '0x55', '0x0', '0x0']);
  expect(await ofEach(gdb, '$v7.d.u[1]')).toEqual(['0', '9', '0', '0']);
  await gdb.run('set {long} &rounds = 1000000');
  await gdb.run('break work if $x19 > 300', 'continue', 'delete');
  expect(await ofEach(gdb, '/x $x25')).toEqual(['0x0', '0x1234', '0x0', '0x0']);
  expect(await ofEach(gdb, '$v7.d.u[1]')).toEqual(['0', '9', '0', '0']);
  expect(Number(/= (\d+)/.exec(await gdb.run('print *(long *) &rounds'))?.[1])).toBeGreaterThan(1_000_000);
});

test('a watchpoint stops whichever CPU writes', async () => {
  const { gdb } = await started();
  await gdb.run('watch *(long *) &rounds if $x20 == 2');
  expect(await gdb.run('continue')).toMatch(/Thread 3 "cpu2" hit Hardware watchpoint/);
  await gdb.run('delete', 'watch *(long *) &rounds if $x20 == 1');
  expect(await gdb.run('continue')).toMatch(/Thread 2 "cpu1" hit Hardware watchpoint/);
});
