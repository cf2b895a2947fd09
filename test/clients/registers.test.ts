/**
 * Every system register that the machine has, written by gdb and by lldb. The guest is a row of instructions, one for
 * each register: an MRS of it where the CPU has one, so that the guest itself tells what it feels.
 */
import { describe, expect, test } from 'vitest';
import {
  bits,
  genericName,
  hex,
  maskOf,
  registerByNumber,
  replaceBits,
  type SystemRegister,
} from '../../src/arm/index.ts';
import { FIELD_VIEW, RAM_BASE, sysregId } from '../../src/backend/index.ts';
import { assemble, guestOf } from '../backend/assembled.ts';
import { Debugger, gdbBatch } from './debugger.ts';
import { type Served, serveGuest } from './fixture.ts';

/** Bits that keep their value. */
const untouched: Readonly<Record<string, readonly [bits: bigint, reason: string]>> = {
  SCTLR_EL1: [1n, 'M: the next instruction would be fetched through tables that are not there'],
  MDSCR_EL1: [1n, 'SS: the guest would step itself'],
  CNTP_CTL_EL0: [1n, 'ENABLE: ISTATUS would be set at once, because CVAL has passed'],
  CNTV_CTL_EL0: [1n, 'ENABLE: ISTATUS would be set at once, because CVAL has passed'],
};

/** No instruction writes them, but the kernel lets the user of a vCPU set them. */
const settable = ['MPIDR_EL1', 'CNTPCT_EL0', 'CNTVCT_EL0'];

/** Of the simulator's counters, in Hz. */
const counterFrequency = 62_500_000;

const all = guestOf(assemble('nop'))
  .describe('gdb')
  .features.flatMap(({ registers }) => registers.flatMap(({ number }) => registerByNumber(number) ?? []));
const writable = all.filter(({ access }) => access === 'RW');
const readOnly = all.filter(({ access, name }) => access === 'RO' && !settable.includes(name));

/** Of those that the architecture allows: 6 breakpoints, 4 watchpoints and 6 counters of events are in this CPU. */
const isBeyond = (name: string): boolean =>
  /^(DBGB[VC]R([6-9]|1\d)_EL1|DBGW[VC]R([4-9]|1\d)_EL1|PMEV(CNTR|TYPER)([6-9]|[123]\d)_EL0)$/.test(name);

/** Whether MRS reads it at EL1 of this CPU. */
const hasMrs = ({ name, readEl, feature }: SystemRegister): boolean =>
  readEl <= 1 && (!feature || ['FEAT_PAN', 'FEAT_PMUv3'].includes(feature)) && !isBeyond(name);

const instructionFor = (one: SystemRegister): string =>
  hasMrs(one) ? `mrs x0, ${genericName(one.encoding)}` : 'mov x0, #0';
const row = assemble(writable.map(instructionFor).join('\n')).elf;
const place = (index: number): bigint => BigInt(RAM_BASE + 4 * index);

/** But for what only the CPU tells: PMCR_EL0.N may become less, and no more. */
function keptBits({ machine }: Served, { name, number, fields }: SystemRegister): bigint {
  const told = maskOf(fields.filter(({ write }) => write !== undefined));
  return (machine.vcpus[0].keptBits?.(sysregId(number)) ?? 0n) & ~told & ~(untouched[name]?.[0] ?? 0n);
}

/** Every bit that has a meaning and that the CPU keeps, inverted. */
function otherValue(served: Served, one: SystemRegister): bigint {
  const free = maskOf(one.fields.filter(({ kind }) => kind === 'field' || kind === 'impdef'));
  return served.held(one.name) ^ (free & keptBits(served, one));
}

/** One register after the other: its place in the row, the value before, the other one. */
interface Write {
  readonly one: SystemRegister;
  readonly pc: string;
  readonly old: string;
  readonly value: string;
}

const writesFor = (served: Served): Write[] =>
  writable.map((one, index) => ({
    one,
    pc: hex(place(index)),
    old: hex(served.held(one.name)),
    value: hex(otherValue(served, one)),
  }));

/** After the step: the value is there, the guest has read it, and it stands at the next instruction. */
const wanted = (writes: readonly Write[]): string[] =>
  writes.map(({ one, value }, index) => `${one.name} ${value} ${hasMrs(one) ? value : '0x0'} ${hex(place(index + 1))}`);

/** Those that no instruction has read: the machine says what it holds. */
const heldNow = ({ held }: Served, writes: readonly Write[]) =>
  writes.filter(({ one }) => !hasMrs(one)).map(({ one }) => `${one.name} ${hex(held(one.name))}`);
const heldWanted = (writes: readonly Write[]) =>
  writes.filter(({ one }) => !hasMrs(one)).map(({ one, value }) => `${one.name} ${value}`);

test('the rows are nearly all that there is', () => {
  expect(Object.keys(untouched).length).toBeLessThan(6);
  expect(writable.length).toBeGreaterThan(100);
  expect(writable.filter(hasMrs).length).toBeGreaterThan(50);
  expect(readOnly.length).toBeGreaterThan(60);
  expect(writable.length + readOnly.length + settable.length).toBe(all.length);
});

describe('gdb', () => {
  test('writes every writable register, and the value is there after a step', async () => {
    const served = await serveGuest(row, { stays: true });
    const writes = writesFor(served);
    const text = await gdbBatch([
      `target remote :${served.port}`,
      ...writes.flatMap(({ one, pc, old, value }) => [
        `set $pc = ${pc}`,
        `set $${one.name} = ${value}`,
        'stepi',
        `printf "${one.name} 0x%lx 0x%lx 0x%lx\\n", $${one.name}, $x0, $pc`,
        // What others would feel is put back.
        ...(hasMrs(one) ? [`set $${one.name} = ${old}`] : []),
      ]),
    ]);
    expect(text.match(/^\w+ 0x\w+ 0x\w+ 0x\w+$/gm)).toEqual(wanted(writes));
    expect(heldNow(served, writes)).toEqual(heldWanted(writes));
    expect(text).not.toContain('Could not write');
    expect(writes.filter(({ old, value }) => old === value)).toEqual([]);
  });

  test('prints why it cannot write a read-only register, keeps its value, and lists all', async () => {
    const served = await serveGuest(row, { stays: true });
    const before = readOnly.map(({ name }) => served.held(name));
    const text = await gdbBatch([
      `target remote :${served.port}`,
      ...readOnly.flatMap(({ name }, index) => [
        `set $${name} = ${hex(before[index] ^ 1n)}`,
        `printf "${name} 0x%lx\\n", $${name}`,
      ]),
      'info registers system',
    ]);
    expect(text.match(/^Could not write.*|^\w+ 0x\w+$/gm)).toEqual(
      readOnly.flatMap(({ name }, index) => [
        expect.stringMatching(
          new RegExp(
            `^Could not write register "${name}"; remote failure reply 'E\\.${name} is read-only.*; it holds ${hex(before[index])}'$`,
          ),
        ),
        `${name} ${hex(before[index])}`,
      ]),
    );
    expect(readOnly.map(({ name }) => served.held(name))).toEqual(before);
    const listed = [...text.matchAll(/^(\w+) +0x\w+ +\d+$/gm)].map(([, name]) => name);
    expect(listed).toEqual(all.map(({ name }) => name));
  });

  test('sets every field by its name, and shows every field', async () => {
    const served = await serveGuest(row, { fields: 'all', stays: true });
    const views = served.guest.describe('gdb').features.find(({ name }) => name.endsWith('.fields'))!.registers;
    const commands: string[] = [];
    const printed: string[] = [];
    const after: string[] = [];
    for (const one of writable) {
      const view = views.find(({ number }) => number === (FIELD_VIEW | one.number));
      if (!view || typeof view.type === 'string' || view.type.kind !== 'struct') continue;
      let value = served.held(one.name);
      for (const { name, high, low } of view.type.fields) {
        const field = bits(value ^ keptBits(served, one), high, low);
        if (field === bits(value, high, low)) continue;
        value = replaceBits(value, high, low, field);
        commands.push(`set $${view.name}.${name} = ${field}`, `print/x (unsigned long)$${view.name}.${name}`);
        printed.push(hex(field));
      }
      after.push(`${one.name} ${hex(value)}`);
    }
    expect(printed.length).toBeGreaterThan(300);
    const text = await gdbBatch([`target remote :${served.port}`, ...commands, 'info registers fields']);
    expect([...text.matchAll(/^\$\d+ = (.*)$/gm)].map(([, value]) => value)).toEqual(printed);
    expect(after.map((line) => line.split(' ')[0]).map((name) => `${name} ${hex(served.held(name))}`)).toEqual(after);
    const shown = [...text.matchAll(/^(\w+) +\{/gm)].map(([, name]) => name);
    expect(shown).toEqual(views.map(({ name }) => name));
  });

  test('sets what only the user of a vCPU can set', async () => {
    const instructions = settable.map((name) => instructionFor(all.find((one) => one.name === name)!)).join('\n');
    const served = await serveGuest(assemble(instructions).elf);
    const text = await gdbBatch([
      `target remote :${served.port}`,
      ...settable.flatMap((name) => [`set $${name} = 0x80000123`, 'stepi', `printf "${name} %lu\\n", $x0`]),
    ]);
    const [mpidr, ...counters] = [...text.matchAll(/^\w+ (\d+)$/gm)].map(([, value]) => Number(value));
    expect(mpidr).toBe(0x8000_0123);
    // The counters count on from there.
    for (const counter of counters) {
      expect(counter).toBeGreaterThanOrEqual(0x8000_0123);
      expect(counter).toBeLessThan(0x8000_0123 + counterFrequency * 30);
    }
  });
});

describe('lldb', () => {
  const value = (text: string, name: string): string | undefined => {
    const digits = new RegExp(`^ *${name} = 0x(\\w+)`, 'm').exec(text)?.[1];
    return digits && hex(BigInt(`0x${digits}`));
  };

  test('writes every writable register, and the value is there after a step', async () => {
    const served = await serveGuest(row, { stays: true });
    const writes = writesFor(served);
    const lldb = await Debugger.lldb();
    await lldb.run(`gdb-remote ${served.port}`);
    const seen: string[] = [];
    for (const { one, pc, old, value: other } of writes) {
      const { name } = one;
      const said = await lldb.run(`register write pc ${pc}`, `register write ${name} ${other}`);
      const stepped = await lldb.run('thread step-inst', `register read --format hex ${name} x0 pc`);
      seen.push([`${said}${name}`, ...[name, 'x0', 'pc'].map((read) => value(stepped, read))].join(' '));
      if (hasMrs(one)) await lldb.run(`register write ${name} ${old}`);
    }
    expect(seen).toEqual(wanted(writes));
    expect(heldNow(served, writes)).toEqual(heldWanted(writes));
  });

  test('says that it cannot write a read-only register and keeps its value', async () => {
    const served = await serveGuest(row, { stays: true });
    const before = readOnly.map(({ name }) => served.held(name));
    const lldb = await Debugger.lldb();
    await lldb.run(`gdb-remote ${served.port}`);
    for (const [index, { name }] of readOnly.entries()) {
      expect(await lldb.run(`register write ${name} ${hex(before[index] ^ 1n)}`)).toMatch(
        new RegExp(`^error: Failed to write register '${name}' with value '0x\\w+'$`, 'm'),
      );
      expect(value(await lldb.run(`register read --format hex ${name}`), name)).toBe(hex(before[index]));
    }
    expect(readOnly.map(({ name }) => served.held(name))).toEqual(before);
    const reasons = await lldb.run(`process plugin packet monitor writes ${readOnly.length}`);
    for (const { name } of readOnly) expect(reasons).toMatch(new RegExp(`refused .*: ${name} is read-only`));
  });
});
