import { beforeEach, describe, expect, test } from 'vitest';
import { commonPairs, Layout } from '../../../../src/arm/index.ts';
import { SimulatorEngine } from '../../../../src/backend/simulator/engine/engine.ts';
import { Access, RunStatus } from '../../../../src/backend/simulator/engine/host.ts';
import { assemble } from '../../../arm/a64/assemble.ts';
import { FlatHost, ramBase } from './flat-host.ts';

const code = ramBase + 0x1000;
const data = ramBase + 0x8000;
const unmapped = ramBase + 0xa000;

const HLT = 0xd4400000;

let host: FlatHost;
beforeEach(() => {
  host = new FlatHost(1 << 20);
  host.isMapped = (page) => page !== unmapped;
});

const isCommon = ([first, second]: number[]) => commonPairs.some((pair) => pair[0] === first && pair[1] === second);

/** Puts the program at `code` and pc to its start. */
function load(...lines: string[]): void {
  host.program(code, assemble(lines));
  host.pc = BigInt(code);
}
const run = (count = 1000, resume?: boolean) => host.engine.run(count, resume);
const peek = (address: number) => host.view.getBigUint64(host.engine.ramOffset(address), true);
const poke = (address: number, value: bigint) => host.view.setBigUint64(host.engine.ramOffset(address), value, true);
/** The instruction that pc is at, counted from the start of the program. */
const at = () => Number(host.pc - BigInt(code)) / 4;

const loop = [
  'add x0, x0, #1',
  'cbz x1, .+8',
  'bl .+12',
  'b .-12',
  'hlt #0',
  'add x2, x2, #1',
  'tbz x2, #0, .+8',
  'nop',
  'ret',
];

describe('counting', () => {
  test.each([1, 2, 3, 5, 7, 64, 1000])('runs of %i instructions end where single steps do', (count) => {
    host.setX(1, 1n);
    load(...loop);
    const places = Array.from({ length: 3000 }, () => run(1) || at());
    const { retired } = host.engine;
    expect(retired).toBe(3000);
    host.setX(2, 0n);
    host.pc = BigInt(code);
    const ends = Array.from({ length: Math.floor(3000 / count) }, () => [
      run(count) || at(),
      host.engine.retired - retired,
    ]);
    expect(ends).toEqual(ends.map((_, i) => [places[(i + 1) * count - 1], (i + 1) * count]));
  });

  test('a straight line over the end of a page', () => {
    host.program(code, new Array(2048).fill(0xd503201f));
    host.pc = BigInt(code);
    expect(run(1500)).toBe(RunStatus.budget);
    expect(at()).toBe(1500);
    host.pc = BigInt(code);
    expect(run(1024)).toBe(RunStatus.budget);
    expect(at()).toBe(1024);
    expect(host.engine.retired).toBe(2524);
  });

  test('the host sees the exact count and the next pc', () => {
    load('nop', 'b .+8', 'nop', 'nop', 'wfi', 'nop');
    const seen: number[] = [];
    host.system = () => {
      seen.push(host.engine.retired, at());
      return RunStatus.budget;
    };
    expect(run(5)).toBe(RunStatus.budget);
    expect(seen).toEqual([4, 5]);
    expect(at()).toBe(6);
  });

  test('nothing runs for a budget of zero', () => {
    load('nop');
    expect(run(0)).toBe(RunStatus.budget);
    expect(at()).toBe(0);
  });

  test('the host may end the run', () => {
    load('nop', 'svc #7', 'nop');
    expect(run()).toBe(RunStatus.stopped);
    expect(host.events).toEqual(['svc 7']);
    expect(at()).toBe(1);
    expect(host.engine.retired).toBe(2);
  });

  test('the host may send the guest elsewhere', () => {
    load('svc #0', 'nop', 'hlt #1');
    host.raise = (kind) => {
      if (kind === 'hlt') return RunStatus.stopped;
      host.pc = BigInt(code) + 8n;
      host.engine.setContext(0, false, false);
      return RunStatus.budget;
    };
    expect(run()).toBe(RunStatus.stopped);
    expect(host.engine.retired).toBe(2);
  });
});

describe('faults', () => {
  test('of the second half of a pair leave registers, flags, pc and count as they were', () => {
    load('subs x9, x9, #1', 'ldp x3, x4, [x5, #16]!', 'nop');
    host.setX(5, BigInt(unmapped - 24));
    host.setX(3, 3n);
    host.setX(4, 4n);
    expect(run()).toBe(RunStatus.exception);
    expect([3, 4, 5].map((i) => host.getX(i))).toEqual([3n, 4n, BigInt(unmapped - 24)]);
    expect(host.events).toEqual([`fault read ${unmapped.toString(16)}`]);
    expect(at()).toBe(1);
    expect(host.engine.retired).toBe(1);
    expect(host.engine.getNzcv()).toBe(0b1000);
  });

  test('of a store over the end of a page write nothing', () => {
    load('str x3, [x5], #8');
    host.setX(3, -1n);
    host.setX(5, BigInt(unmapped - 4));
    expect(run()).toBe(RunStatus.exception);
    expect(host.events).toEqual([`fault write ${unmapped.toString(16)}`]);
    expect(peek(unmapped - 8)).toBe(0n);
    expect(host.getX(5)).toBe(BigInt(unmapped - 4));
  });

  test('of a fetch: pc is where it went', () => {
    load('br x0');
    host.setX(0, BigInt(unmapped + 8));
    expect(run()).toBe(RunStatus.exception);
    expect(host.pc).toBe(BigInt(unmapped + 8));
    expect(host.engine.retired).toBe(1);
    host.setX(0, BigInt(code + 2));
    host.pc = BigInt(code);
    expect(run()).toBe(RunStatus.exception);
    expect(host.events.at(-1)).toBe(`fault execute ${(code + 2).toString(16)}`);
  });

  test('of a fetch that runs on into the next page', () => {
    host.program(unmapped - 4, assemble(['nop']));
    host.pc = BigInt(unmapped - 4);
    expect(run()).toBe(RunStatus.exception);
    expect(host.pc).toBe(BigInt(unmapped));
    expect(host.engine.retired).toBe(1);
  });

  test('of addresses where nothing answers', () => {
    load('ldr x1, [x0]');
    host.setX(0, 0x1000_0000n);
    expect(run()).toBe(RunStatus.exception);
    expect(host.events).toEqual(['abort 10000000']);
    host.pc = 0x1000_0000n;
    expect(run()).toBe(RunStatus.exception);
    expect(host.engine.retired).toBe(0);
  });

  test('of an access that ends where nothing answers', () => {
    const end = ramBase + (1 << 20);
    load('stur x1, [x0, #-4]', 'ldur x2, [x0, #-4]');
    host.setX(0, BigInt(end));
    host.setX(1, -1n);
    for (const index of [0, 1]) {
      host.pc = BigInt(code + 4 * index);
      expect(run()).toBe(RunStatus.exception);
      expect(host.events.pop()).toBe(`abort ${(end - 4).toString(16)}`);
    }
    expect(peek(end - 8)).toBe(0n);
    expect(host.getX(2)).toBe(0n);
  });

  test('unallocated words are undefined', () => {
    host.program(code, [0x0001_0000]);
    host.pc = BigInt(code);
    expect(run()).toBe(RunStatus.stopped);
    expect(host.events).toEqual(['undefined 0']);
    expect(at()).toBe(0);
  });

  test('of a stack pointer that is not aligned, when that is checked', () => {
    load('ldr x0, [sp]', 'nop');
    host.setX(32, BigInt(data + 8));
    expect(run(1)).toBe(RunStatus.budget);
    host.view.setInt32(Layout.spCheck, 1, true);
    host.pc = BigInt(code);
    expect(run(1)).toBe(RunStatus.exception);
    expect(host.events).toEqual(['sp alignment']);
    expect(at()).toBe(0);
  });
});

describe('memory', () => {
  test('accesses over the end of a page', () => {
    load('str x1, [x0]', 'ldr x2, [x0]', 'ldp x3, x4, [x0, #-8]', 'stp x1, x2, [x5]', 'ldr x6, [x5, #8]', 'hlt #0');
    host.setX(0, BigInt(data + 0xffb));
    host.setX(1, 0x1122_3344_5566_7788n);
    host.setX(5, BigInt(data + 0xff8 + 0x1000));
    expect(run()).toBe(RunStatus.exception);
    // The last page is not mapped.
    expect(at()).toBe(3);
    expect([2, 3, 4].map((i) => host.getX(i))).toEqual([0x1122_3344_5566_7788n, 0n, 0x1122_3344_5566_7788n]);
    expect(peek(data + 0x1000)).toBe(0x11_2233n);
  });

  test.each([
    ['normal memory', 'ldr x1, [x0]', false, false, RunStatus.budget],
    ['normal memory, checked', 'ldr x1, [x0]', false, true, RunStatus.exception],
    ['Device memory', 'ldr x1, [x0]', true, false, RunStatus.exception],
    ['a load-acquire', 'ldar x1, [x0]', false, false, RunStatus.exception],
    ['an exclusive', 'ldxr x1, [x0]', false, false, RunStatus.exception],
    ['an atomic', 'ldadd x2, x1, [x0]', false, false, RunStatus.exception],
    ['a pair, by its elements', 'ldp x1, x2, [x0, #4]', true, true, RunStatus.budget],
    ['an exclusive pair, by both', 'ldxp x1, x2, [x3]', false, false, RunStatus.exception],
    ['a vector', 'ldr q1, [x0]', false, false, RunStatus.budget],
    ['a vector, checked', 'ldr q1, [x3]', false, true, RunStatus.exception],
    ['a vector of Device memory', 'ldr q1, [x3]', true, false, RunStatus.exception],
    ['a pair of vectors', 'ldp q1, q2, [x0]', false, false, RunStatus.budget],
    ['a pair of vectors, checked', 'stp q1, q2, [x3]', false, true, RunStatus.exception],
    ['elements of a vector', 'ld1 {v1.4s}, [x0]', true, true, RunStatus.budget],
    ['elements of half a vector', 'st1 {v1.2s}, [x0]', true, true, RunStatus.budget],
    ['wide elements of a vector', 'ld1 {v1.2d}, [x0]', true, false, RunStatus.exception],
    ['bytes of vectors', 'ld2 {v1.16b, v2.16b}, [x0]', true, true, RunStatus.budget],
  ])('unaligned: %s', (_, line, device, check, status) => {
    load(line.replace(', #4]', ']'), 'nop');
    host.isDevice = () => device;
    host.view.setInt32(Layout.alignCheck, check ? 1 : 0, true);
    host.setX(0, BigInt(line.includes('#4') ? data + 8 : data + 4));
    host.setX(3, BigInt(data + 8));
    expect(run(1)).toBe(status);
    expect(host.events.length).toBe(status === RunStatus.exception ? 1 : 0);
    // The same when the TLB knows the page.
    host.engine.load(data, 0, 8, 'normal');
    host.pc = BigInt(code);
    expect(run(1)).toBe(status);
  });

  test('an atomic needs permission to write even if nothing is written', () => {
    load('ldr x1, [x0]', 'ldadd xzr, x1, [x0]');
    host.isMapped = (_, access) => access !== Access.write;
    host.setX(0, BigInt(data));
    expect(run()).toBe(RunStatus.exception);
    expect(at()).toBe(1);
    expect(host.events).toEqual([`fault write ${data.toString(16)}`]);
  });

  test('exclusives succeed while the value stands, once', () => {
    load(
      'ldxr x1, [x0]',
      'stxr w2, x3, [x0]',
      'stxr w4, x3, [x0]',
      'ldxr x1, [x0]',
      'str xzr, [x0]',
      'stxr w5, x3, [x0]',
      'hlt #0',
    );
    host.setX(0, BigInt(data));
    host.setX(3, 5n);
    poke(data, 9n);
    expect(run()).toBe(RunStatus.stopped);
    expect([1, 2, 4, 5].map((i) => host.getX(i))).toEqual([5n, 0n, 1n, 1n]);
    expect(peek(data)).toBe(0n);
  });

  test('devices are asked by element, with the value as it is', () => {
    load('ldp w1, w2, [x0]', 'ldrb w3, [x0, #9]', 'stp w1, w2, [x0]', 'str x4, [x0]', 'hlt #0');
    host.setX(0, 0x0900_0000n);
    host.setX(4, 0x1122_3344_5566_7788n);
    const asked: string[] = [];
    host.deviceRead = (physical, bytes) => {
      asked.push(`read ${physical.toString(16)} ${bytes}`);
      host.view.setBigUint64(Layout.scratch, BigInt(physical & 0xff) + 1n, true);
      return true;
    };
    host.deviceWrite = (physical, bytes) => {
      const value = BigInt.asUintN(8 * bytes, host.view.getBigUint64(Layout.scratch, true));
      asked.push(`write ${physical.toString(16)} ${bytes} ${value.toString(16)}`);
      return true;
    };
    expect(run()).toBe(RunStatus.stopped);
    expect([1, 2, 3].map((i) => host.getX(i))).toEqual([1n, 5n, 10n]);
    expect(asked).toEqual([
      'read 9000000 4',
      'read 9000004 4',
      'read 9000009 1',
      'write 9000000 4 1',
      'write 9000004 4 5',
      'write 9000000 8 1122334455667788',
    ]);
  });

  test('devices are asked for parts of vectors, of 8 bytes at most', () => {
    load('ldr q1, [x0]', 'ld1 {v2.4s}, [x0]', 'stp q1, q2, [x0]', 'st1 {v2.8b}, [x0]', 'hlt #0');
    host.setX(0, 0x0900_0000n);
    const asked: string[] = [];
    host.deviceRead = (physical, bytes) => {
      asked.push(`read ${physical & 0xff} ${bytes}`);
      host.view.setBigUint64(Layout.scratch, BigInt(physical & 0xff) + 1n, true);
      return true;
    };
    host.deviceWrite = (physical, bytes) => {
      const value = BigInt.asUintN(8 * bytes, host.view.getBigUint64(Layout.scratch, true));
      asked.push(`write ${physical & 0xff} ${bytes} ${value.toString(16)}`);
      return true;
    };
    expect(run()).toBe(RunStatus.stopped);
    expect(asked).toEqual([
      'read 0 8',
      'read 8 8',
      ...[0, 4, 8, 12].map((at) => `read ${at} 4`),
      'write 0 8 1',
      'write 8 8 9',
      'write 16 8 500000001',
      'write 24 8 d00000009',
      ...[1, 0, 0, 0, 5, 0, 0, 0].map((byte, at) => `write ${at} 1 ${byte}`),
    ]);
  });

  test('vectors over the end of a page, and into one that is not mapped', () => {
    load('stp q1, q2, [x0]', 'ldp q3, q4, [x0]', 'ldr q5, [x5]', 'ldp q6, q7, [x6]');
    const vector = (n: number) => [0, 8].map((at) => host.view.getBigUint64(Layout.v + 16 * n + at, true));
    for (let at = 0; at < 32; at++) host.view.setUint8(Layout.v + 16 + at, at);
    host.setX(0, BigInt(data + 0xfeb));
    host.setX(5, BigInt(data + 0xff3));
    host.setX(6, BigInt(unmapped - 24));
    expect(run()).toBe(RunStatus.exception);
    expect(at()).toBe(3);
    expect([3, 4].map(vector)).toEqual([1, 2].map(vector));
    expect(vector(5)).toEqual([0x0f0e0d0c0b0a0908n, 0x1716151413121110n]);
    expect([6, 7].map(vector)).toEqual([
      [0n, 0n],
      [0n, 0n],
    ]);
    expect(host.events).toEqual([`fault read ${unmapped.toString(16)}`]);
  });

  test('accesses of the host', () => {
    poke(data + 0xff8, 0x1122_3344_5566_7788n);
    expect(host.engine.load(data + 0xffc, 0, 8, 'normal')).toBe(true);
    expect(host.view.getBigUint64(Layout.scratch, true)).toBe(0x1122_3344n);
    expect(host.engine.store(data, 0, 4, 'normal')).toBe(true);
    expect(peek(data)).toBe(0x1122_3344n);
    expect(host.engine.store(unmapped, 0, 1, 'unprivileged')).toBe(false);
    expect(host.events).toEqual([`fault unprivileged write ${unmapped.toString(16)}`]);
  });
});

describe('SIMD instructions', () => {
  test('are trapped where they are, whether they have run before or not', () => {
    load('movi v0.16b, #1', 'add x1, x1, #1', 'b .-8');
    const trapped = () => {
      expect(run(10)).toBe(RunStatus.stopped);
      expect(host.events.splice(0)).toEqual([expect.stringMatching('simdAccess')]);
      expect(at()).toBe(0);
    };
    host.engine.setContext(1, false, true);
    trapped();
    host.engine.setContext(1, false, false);
    expect(run(9)).toBe(RunStatus.budget);
    host.engine.setContext(1, false, true);
    trapped();
    // The other exception level is not concerned.
    host.engine.setContext(0, false, false);
    expect(run(9)).toBe(RunStatus.budget);
    host.engine.setContext(1, false, true);
    trapped();
    expect(host.getX(1)).toBe(6n);
  });
});

describe('translation is looked up', () => {
  const pages = () => {
    let readable = true;
    host.isMapped = (page) => page !== data || readable;
    load('ldr x1, [x0]', 'b .-4');
    host.setX(0, BigInt(data));
    expect(run(10)).toBe(RunStatus.budget);
    readable = false;
  };
  test.each<[string, () => void, RunStatus]>([
    ['once', () => undefined, RunStatus.budget],
    ['again after a flush', () => host.engine.flushTlb(), RunStatus.exception],
    ['again after a flush of the page', () => host.engine.flushPage(data + 8, 0), RunStatus.exception],
    ['once after a flush of another page', () => host.engine.flushPage(data + 0x1000, 0), RunStatus.budget],
    ['again in another context', () => host.engine.setContext(1, true, false), RunStatus.exception],
    ['again when watchpoints change', () => host.engine.watchpointsChanged(), RunStatus.exception],
  ])('%s', (_, act, status) => {
    pages();
    act();
    expect(run(10)).toBe(status);
  });

  test('for each context by itself', () => {
    host.engine.setContext(1, true, false);
    pages();
    host.engine.setContext(0, false, false);
    expect(run(10)).toBe(RunStatus.exception);
    host.engine.setContext(1, true, false);
    expect(run(10)).toBe(RunStatus.budget);
  });

  test('as EL0 for unprivileged accesses', () => {
    load('ldr x1, [x0]', 'ldtr x1, [x0]');
    host.setX(0, BigInt(data));
    const { translate } = host;
    host.translate = (low, high, access, unprivileged) =>
      unprivileged ? false : translate.call(host, low, high, access, unprivileged);
    expect(run(1)).toBe(RunStatus.budget);
    expect(run(1)).toBe(RunStatus.exception);
  });

  test('for code as well', () => {
    const other = ramBase + 0x20000;
    let page = code;
    host.physicalOf = (va) => (va === code ? page : va);
    load('add x0, x0, #1', 'br x1');
    host.program(other, assemble(['add x0, x0, #16', 'hlt #0']));
    host.setX(1, BigInt(code));
    expect(run(10)).toBe(RunStatus.budget);
    page = other;
    host.engine.flushTlb();
    expect(run(10)).toBe(RunStatus.stopped);
    expect(host.getX(0)).toBe(21n);
  });
});

describe('code that changes', () => {
  const [plusOne, plusTwo] = [0x91000400, 0x91000800];

  test('by its own stores', () => {
    // Instruction 3 is overwritten and run again.
    load('mov x9, #0', 'str w1, [x2]', 'add x9, x9, #1', 'add x0, x0, #1', 'cmp x9, #3', 'b.ne .-12', 'hlt #0');
    host.setX(1, BigInt(plusTwo));
    host.setX(2, BigInt(code + 12));
    expect(run(4)).toBe(RunStatus.budget);
    expect(run()).toBe(RunStatus.stopped);
    expect(host.getX(0)).toBe(6n);
  });

  test('by the first of a pair that has a handler of its own', () => {
    const words = [0xb9000402, 0xd1001000]; // str w2, [x0, #4]; sub x0, x0, #4
    expect(isCommon(words)).toBe(true);
    host.program(code, [...words, HLT]);
    host.pc = BigInt(code);
    host.setX(0, BigInt(code));
    host.setX(2, BigInt(plusOne));
    expect(run()).toBe(RunStatus.stopped);
    expect(host.getX(0)).toBe(BigInt(code + 1));
  });

  test.each([
    ['a byte', 'strb w1, [x2, #1]', 0x08n],
    ['a pair', 'stp w1, w3, [x2, #-4]', 0xd503201fn],
    ['over the end of a line', 'stur x1, [x2, #-1]', BigInt(plusTwo) << 8n],
    ['an atomic', 'swp w1, w4, [x2]', BigInt(plusTwo)],
  ])('by %s', (_, store, value) => {
    const target = code + 0x40;
    host.program(target, [plusOne, 0xd65f03c0]);
    load('bl .+0x40', store, 'bl .+0x38', 'hlt #0');
    host.setX(1, value);
    host.setX(2, BigInt(target));
    host.setX(3, BigInt(plusTwo));
    // What stands before the target is not run.
    expect(run()).toBe(RunStatus.stopped);
    expect(host.getX(0)).toBe(3n);
  });

  test('by a store through another address, when the TLB for writes knew the page before it held code', () => {
    const alias = 0x7000_0000;
    host.physicalOf = (page) => (page === alias ? code + 0x1000 : page);
    host.program(code + 0x1000, [plusOne, 0xd65f03c0]);
    load('str xzr, [x2, #256]', 'bl .+0xffc', 'str w1, [x2]', 'bl .+0xff4', 'hlt #0');
    host.setX(1, BigInt(plusTwo));
    host.setX(2, BigInt(alias));
    expect(run()).toBe(RunStatus.stopped);
    expect(host.getX(0)).toBe(3n);
  });

  test('beside data of the same page', () => {
    load('str x1, [x2]', 'ldr x3, [x2]', 'add x1, x1, #1', 'cmp x1, #100', 'b.ne .-16', 'hlt #0');
    host.setX(2, BigInt(code + 0x800));
    expect(run()).toBe(RunStatus.stopped);
    expect(host.getX(3)).toBe(99n);
    expect(peek(code + 0x800)).toBe(99n);
  });

  test('from outside', () => {
    load('add x0, x0, #1', 'b .-4');
    expect(run(10)).toBe(RunStatus.budget);
    host.view.setUint32(host.engine.ramOffset(code), plusTwo, true);
    host.engine.changed(code + 3, 1);
    expect(run(10)).toBe(RunStatus.budget);
    expect(host.getX(0)).toBe(15n);
    // Ranges may reach beyond RAM.
    host.engine.changed(0, 2 ** 40);
    expect(run(10)).toBe(RunStatus.budget);
    expect(host.getX(0)).toBe(25n);
  });

  test('into a longer straight line: counts stay exact', () => {
    load('nop', 'nop', 'b .+8', 'nop', ...new Array(60).fill('nop'), 'b .-256');
    expect(run(3)).toBe(RunStatus.budget);
    host.program(code + 8, assemble(['nop']));
    host.pc = BigInt(code);
    for (const count of [3, 20, 100]) {
      const { retired } = host.engine;
      expect(run(count)).toBe(RunStatus.budget);
      expect(host.engine.retired - retired).toBe(count);
    }
    expect(at()).toBe(123 % 65);
  });

  test('belongs to one exception level', () => {
    let el = 1;
    host.systemSlot = () => (el === 1 ? 64 : -1);
    load('msr tpidr_el0, x1', 'b .-4');
    host.setX(1, 7n);
    expect(run(2)).toBe(RunStatus.budget);
    expect(host.view.getBigUint64(Layout.system + 64, true)).toBe(7n);
    el = 0;
    host.engine.setContext(0, false, false);
    expect(run(2)).toBe(RunStatus.stopped);
    expect(host.events).toEqual(['system d51bd041']);
  });

  test('in more pages than are kept decoded', () => {
    const count = Layout.pageCount + 3;
    const big = new FlatHost((count + 1) * 4096);
    for (let i = 0; i < count; i++) big.program(ramBase + 4096 * i, [plusOne, 0x14000400 - 1]);
    big.program(ramBase + 4096 * count, [HLT]);
    for (let round = 1; round <= 2; round++) {
      big.pc = BigInt(ramBase);
      expect(big.engine.run(1e6)).toBe(RunStatus.stopped);
      expect(big.getX(0)).toBe(BigInt(round * count));
    }
    expect(big.engine.retired).toBe(2 * (2 * count + 1));
  });
});

describe('breakpoints', () => {
  const here = (index: number) => BigInt(code + 4 * index);
  beforeEach(() => load(...loop));

  test.each([
    ['in a straight line', 1, 1],
    ['at the target of a branch', 5, 3],
  ])('%s stop before the instruction', (_, index, count) => {
    host.setX(1, 1n);
    host.engine.setBreakpoints([here(index)]);
    expect(run()).toBe(RunStatus.breakpoint);
    expect(at()).toBe(index);
    expect(host.engine.retired).toBe(count);
    // The run that starts there goes on, round the loop.
    expect(run()).toBe(RunStatus.breakpoint);
    expect(at()).toBe(index);
    expect(run(1000, false)).toBe(RunStatus.breakpoint);
    expect(run(1)).toBe(RunStatus.budget);
    expect(at()).toBe(index + 1);
    host.engine.setBreakpoints([]);
    expect(run()).toBe(RunStatus.budget);
  });

  test('a step ends at one without telling', () => {
    host.engine.setBreakpoints([here(1)]);
    expect(run(1)).toBe(RunStatus.budget);
    expect(at()).toBe(1);
    expect(run(1)).toBe(RunStatus.budget);
    expect(at()).toBe(3);
  });

  test('in the middle of a pair that has a handler of its own', () => {
    const words = [0xf100041f, 0x54000040]; // cmp x0, #1; b.eq .+8
    expect(isCommon(words)).toBe(true);
    host.program(code, [...words, HLT]);
    expect(run(10)).toBe(RunStatus.stopped);
    host.engine.setBreakpoints([here(1)]);
    host.pc = here(0);
    expect(run(10)).toBe(RunStatus.breakpoint);
    expect(at()).toBe(1);
    host.engine.setBreakpoints([]);
    host.pc = here(0);
    expect(run(1)).toBe(RunStatus.budget);
    expect(at()).toBe(1);
    expect(run(10)).toBe(RunStatus.stopped);
  });

  test('are found at every exception level, in decoded code too', () => {
    expect(run(10)).toBe(RunStatus.budget);
    host.engine.setBreakpoints([here(3), 0xffff_ffff_ffff_fff0n]);
    expect(run()).toBe(RunStatus.breakpoint);
    host.engine.setContext(0, false, false);
    expect(run()).toBe(RunStatus.breakpoint);
    expect(at()).toBe(3);
  });

  test('stay when the code under them changes', () => {
    host.engine.setBreakpoints([here(3)]);
    expect(run()).toBe(RunStatus.breakpoint);
    host.program(code + 12, assemble(['hlt #3']));
    expect(run(10, false)).toBe(RunStatus.breakpoint);
    expect(run(10)).toBe(RunStatus.stopped);
    expect(host.events).toEqual(['hlt 3']);
  });
});

describe('watched pages', () => {
  test('are asked about at every access, before it happens', () => {
    load('ldr x3, [x0]', 'str x1, [x0]', 'ldadd x1, x2, [x0]', 'hlt #0');
    host.setX(0, BigInt(data));
    host.setX(1, 1n);
    expect(run(3)).toBe(RunStatus.budget);
    expect(peek(data)).toBe(2n);
    host.isWatched = (page) => page === data;
    host.engine.watchpointsChanged();
    for (const index of [0, 1, 2]) {
      host.pc = BigInt(code + 4 * index);
      expect(run(1)).toBe(RunStatus.exception);
      expect(at()).toBe(index);
    }
    const where = data.toString(16);
    expect(host.events).toEqual([`watched read ${where} 8`, `watched write ${where} 8`, `watched write ${where} 8`]);
    expect(peek(data)).toBe(2n);
  });

  test('also when the access only ends there', () => {
    load('str x1, [x0]');
    host.setX(0, BigInt(data - 4));
    host.setX(1, -1n);
    host.isWatched = (page) => page === data;
    expect(run(1)).toBe(RunStatus.exception);
    expect(peek(data - 8)).toBe(0n);
  });
});

test('memory that cannot be had is not had', () => {
  expect(SimulatorEngine.allocate(2 ** 32)).toBeUndefined();
  expect(SimulatorEngine.allocate(3 * 2 ** 30)?.buffer.byteLength).toBeGreaterThan(3 * 2 ** 30);
});

test('RAM above 2 GiB is reached', () => {
  const memory = SimulatorEngine.allocate(3 * 2 ** 30);
  const big = new FlatHost(3 * 2 ** 30, memory);
  const far = ramBase + 3 * 2 ** 30 - 4096;
  big.program(far, assemble(['str x0, [x1]', 'stur x1, [x0, #-4]', 'hlt #0']));
  big.pc = BigInt(far);
  big.setX(0, BigInt(far - 4096));
  big.setX(1, BigInt(far + 256));
  expect(big.engine.run(10)).toBe(RunStatus.stopped);
  expect(big.view.getBigUint64(big.engine.ramOffset(far + 256), true)).toBe(BigInt(far - 4096));
  expect(big.view.getBigUint64(big.engine.ramOffset(far - 4100), true)).toBe(BigInt(far + 256));
});
