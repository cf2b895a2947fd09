import { beforeEach, describe, expect, test } from 'vitest';
import type { Guest } from '../../src/backend/index.ts';
import type { Stop } from '../../src/gdbstub/index.ts';
import { assemble, go, guestOf, machineOf, RAM, step } from './assembled.ts';

const program = assemble(`
  mov x19, #0
  ldr x1, =data
loop:
  add x19, x19, #1
  bl leaf
after:
  b loop
leaf:
store:
  str x19, [x1]
load:
  ldr x2, [x1]
pair:
  stp x19, x19, [x1, #24]
byte:
  ldrb w3, [x1, #13]
  ret
spin:
  b spin
off:
  ldr x0, =0x84000008
  hvc #0
again:
  ldr x0, =0x84000009
  hvc #0
  .ltorg
  .balign 64
data:
  .quad 0, 0, 0, 0, 0, 0, 0, 0
  .balign 4096
aside:
  .quad 0
`);
const { loop, after, leaf, store, load, pair, byte, spin, off, again, data, aside } = program.symbols;
const [X19, PC] = [19, 32];

let guest: Guest;
const read = (number: number) => guest.registers.read(1, number);
const pc = () => read(PC);
const word = (address: bigint) => {
  const bytes = guest.memory.read(1, address, 4);
  return bytes instanceof Uint8Array ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : bytes;
};
const insert = (kind: 'software' | 'hardware', address: bigint) => guest.breakpoints.insert(kind, address, 4);

/** Behind the setup. */
const toLoop = async () => {
  await step(guest);
  await step(guest);
  expect(pc()).toBe(loop);
};

beforeEach(() => {
  guest = guestOf(program);
});

describe('steps', () => {
  test('one instruction each, answered at once', () => {
    const stop = guest.execution.resume([{ thread: 1, kind: 'step', signal: 0 }]);
    expect(stop).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(RAM + 4n);
  });

  test('over a call, along the instructions', async () => {
    const visited: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      await step(guest);
      visited.push(pc());
    }
    expect(visited).toEqual([RAM + 4n, loop, loop + 4n, leaf, load]);
  });

  test('a range is left in one go', async () => {
    await toLoop();
    expect(await step(guest, { start: loop, end: after })).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(leaf);
    expect(await step(guest, { start: leaf, end: byte + 8n })).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(after);
  });

  test('a range that does not hold the pc is one step', async () => {
    expect(await step(guest, { start: spin, end: off })).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(RAM + 4n);
  });

  test.each(['software', 'hardware'] as const)('a %s breakpoint inside a range stops it', async (kind) => {
    await toLoop();
    await step(guest);
    await step(guest);
    expect(pc()).toBe(leaf);
    insert(kind, pair);
    expect(await step(guest, { start: leaf, end: byte + 8n })).toEqual({
      kind: 'breakpoint',
      thread: 1,
      hardware: kind === 'hardware',
    });
    expect(pc()).toBe(pair);
    expect(await step(guest, { start: leaf, end: byte + 8n })).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(after);
  });

  test('a range that is never left can be interrupted', async () => {
    guest.registers.write(1, PC, spin);
    const stop = step(guest, { start: spin, end: off });
    setTimeout(() => guest.execution.interrupt(), 20);
    expect(await stop).toEqual({ kind: 'interrupted', thread: 1 });
    expect(pc()).toBe(spin);
  });
});

describe.each(['software', 'hardware'] as const)('%s breakpoints', (kind) => {
  const hit: Stop = { kind: 'breakpoint', thread: 1, hardware: kind === 'hardware' };

  test('stop before the instruction, every time round', async () => {
    expect(insert(kind, leaf)).toBeUndefined();
    for (let round = 1n; round <= 5n; round++) {
      expect(await go(guest)).toEqual(hit);
      expect([pc(), read(X19)]).toEqual([leaf, round]);
    }
  });

  test('two in a row, and one at the pc that is stepped over', async () => {
    insert(kind, leaf);
    insert(kind, load);
    expect(await go(guest)).toEqual(hit);
    expect(await step(guest)).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(load);
    expect(await step(guest)).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(pair);
    expect(await go(guest)).toEqual(hit);
    expect(await go(guest)).toEqual(hit);
    expect(pc()).toBe(load);
  });

  test('inserting twice and removing once removes it', async () => {
    insert(kind, leaf);
    insert(kind, leaf);
    expect(guest.breakpoints.remove(kind, leaf, 4)).toBeUndefined();
    expect(guest.breakpoints.remove(kind, leaf, 4)).toBeUndefined();
    insert(kind, after);
    await go(guest);
    expect(pc()).toBe(after);
  });

  test('a branch to itself', async () => {
    guest.registers.write(1, PC, spin);
    insert(kind, spin);
    expect(await go(guest)).toEqual(hit);
    expect(await go(guest)).toEqual(hit);
    expect(pc()).toBe(spin);
  });

  test.each([
    [0x4000_0001n, 4, '0x40000001 is not the address of an A64 instruction'],
    [0x4000_0000n, 2, 'an A64 breakpoint has the length 4, not 2'],
  ])('%i of length %i is refused', (address, length, message) => {
    expect(guest.breakpoints.insert(kind, address, length)).toMatchObject({ message });
  });

  test('a debugger that goes takes them along', async () => {
    insert(kind, leaf);
    guest.attached(false);
    guest.attached(true);
    insert(kind, off);
    const stop = go(guest);
    setTimeout(() => guest.execution.interrupt(), 20);
    expect(await stop).toMatchObject({ kind: 'interrupted' });
  });

  test('survive a reset of the machine', async () => {
    insert(kind, leaf);
    await go(guest);
    expect(guest.reset()).toBeUndefined();
    expect([pc(), read(X19)]).toEqual([RAM, 0n]);
    expect(await go(guest)).toEqual(hit);
    expect(read(X19)).toBe(1n);
  });
});

describe('software breakpoints in memory', () => {
  test('are never seen, and leave no trace', () => {
    const original = word(leaf);
    insert('software', leaf);
    expect(word(leaf)).toBe(original);
    expect(word(leaf - 2n)).toBe(((original as number) << 16) | ((word(leaf - 4n) as number) >>> 16) || 0);
    const raw = guest.machine.memory.view(leaf, 4)!;
    expect([...raw]).toEqual([0x00, 0x00, 0x20, 0xd4]);
    guest.breakpoints.remove('software', leaf, 4);
    expect(word(leaf)).toBe(original);
  });

  test('a write under one goes to the instruction that comes back', async () => {
    insert('software', leaf);
    // movz x19, #7 at leaf, one byte before and one after as they are
    const around = [...(guest.memory.read(1, leaf - 1n, 6) as Uint8Array)];
    const bytes = Uint8Array.from([around[0], 0xf3, 0x00, 0x80, 0xd2, around[5]]);
    expect(guest.memory.write(1, leaf - 1n, bytes)).toBeUndefined();
    expect(guest.memory.read(1, leaf - 1n, 6)).toEqual(bytes);
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
    await step(guest);
    expect(read(X19)).toBe(7n);
    guest.breakpoints.remove('software', leaf, 4);
    expect(word(leaf)).toBe(0xd28000f3);
  });

  test('where no BRK can stand they are hardware ones, as long as there are any', () => {
    for (let i = 0n; i < 6n; i++) expect(insert('software', 0x0900_0000n + 4n * i)).toBeUndefined();
    expect(insert('software', 0x0900_0100n)).toMatchObject({ code: 'MEMORY_NOT_RAM' });
    expect(insert('software', 0x1_0000_0000_0000n)).toMatchObject({ code: 'MEMORY_UNMAPPED' });
    guest.breakpoints.remove('software', 0x0900_0000n, 4);
    // No instruction can stand at such an address.
    expect(insert('software', 1n << 60n)).toMatchObject({ code: 'MEMORY_UNMAPPED' });
    expect(insert('hardware', 0x0900_0000n)).toBeUndefined();
    expect(insert('hardware', 0x0900_0004n)).toMatchObject({ code: 'BREAKPOINTS_FULL' });
  });

  test('code that the guest writes over one stays, and is broken at again', async () => {
    insert('software', after);
    // As the guest would: behind the debugger's back.
    const view = guest.machine.memory.view(after, 4)!;
    view.set([0xf3, 0x00, 0x80, 0xd2]);
    guest.machine.memory.changed(after, 4);
    expect(word(after)).toBe(0xd28000f3);
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
    expect(pc()).toBe(after);
    expect(word(after)).toBe(0xd28000f3);
    guest.breakpoints.remove('software', after, 4);
    expect(word(after)).toBe(0xd28000f3);
  });
});

describe('hardware breakpoints', () => {
  test('are six', () => {
    for (let i = 0n; i < 6n; i++) expect(insert('hardware', RAM + 4n * i)).toBeUndefined();
    expect(insert('hardware', RAM + 24n)).toMatchObject({
      message: 'all 6 hardware breakpoints are in use',
      errno: 28,
    });
    guest.breakpoints.remove('hardware', RAM, 4);
    expect(insert('hardware', RAM + 24n)).toBeUndefined();
  });
});

describe('watchpoints', () => {
  const hits = async (count: number) => {
    const seen: unknown[] = [];
    for (let i = 0; i < count; i++) {
      const stop = await go(guest);
      seen.push([pc(), stop.kind === 'watchpoint' ? [stop.access, stop.address] : stop.kind]);
    }
    return seen;
  };

  test('tell the access before it happens, and let it happen on the way on', async () => {
    guest.breakpoints.insert('write', data, 8);
    expect(await go(guest)).toEqual({ kind: 'watchpoint', thread: 1, access: 'write', address: data });
    expect([pc(), word(data)]).toEqual([store, 0]);
    expect(await go(guest)).toMatchObject({ kind: 'watchpoint' });
    expect([pc(), word(data), read(X19)]).toEqual([store, 1, 2n]);
    expect(await step(guest)).toEqual({ kind: 'step', thread: 1 });
    expect([pc(), word(data)]).toEqual([load, 2]);
  });

  test('each kind sees its accesses', async () => {
    guest.breakpoints.insert('read', data, 8);
    expect(await hits(2)).toEqual([
      [load, ['read', data]],
      [load, ['read', data]],
    ]);
    guest.breakpoints.remove('read', data, 8);
    guest.breakpoints.insert('access', data, 8);
    // The load was told for the old one only.
    expect(await hits(3)).toEqual([
      [load, ['access', data]],
      [store, ['access', data]],
      [load, ['access', data]],
    ]);
  });

  test('bytes, unaligned and across doublewords', async () => {
    guest.breakpoints.insert('access', data + 13n, 1);
    expect(await hits(1)).toEqual([[byte, ['access', data + 13n]]]);
    guest.breakpoints.remove('access', data + 13n, 1);
    // x1+24..40 is written by the pair; the range begins in its second half and ends behind.
    guest.breakpoints.insert('write', data + 37n, 9);
    expect(await hits(2)).toEqual([
      [pair, ['write', data + 37n]],
      [pair, ['write', data + 37n]],
    ]);
    guest.breakpoints.remove('write', data + 37n, 9);
    guest.breakpoints.insert('access', data + 14n, 10);
    guest.breakpoints.insert('access', data + 40n, 1);
    insert('software', after);
    expect(await hits(2)).toEqual([
      [after, 'breakpoint'],
      [after, 'breakpoint'],
    ]);
  });

  test('a long range takes one slot', async () => {
    expect(guest.breakpoints.insert('write', aside - 4096n, 4096)).toBeUndefined();
    for (let i = 0n; i < 3n; i++) expect(guest.breakpoints.insert('read', aside + 8n * i, 8)).toBeUndefined();
    expect(guest.breakpoints.insert('read', aside + 64n, 8)).toMatchObject({
      message: 'this range takes 1 hardware watchpoint, and 0 of 4 are free',
      errno: 28,
    });
    expect(await hits(2)).toEqual([
      [store, ['write', data]],
      [pair, ['write', data + 24n]],
    ]);
  });

  test('two of one instruction are both told, and it goes on', async () => {
    guest.breakpoints.insert('write', data + 24n, 8);
    guest.breakpoints.insert('write', data + 32n, 8);
    const seen = await hits(3);
    expect(seen[0]).toEqual([pair, ['write', data + 24n]]);
    insert('software', after);
    guest.breakpoints.remove('write', data + 24n, 8);
    guest.breakpoints.remove('write', data + 32n, 8);
    expect(await hits(1)).toEqual([[after, 'breakpoint']]);
  });

  test.each([
    [0n, 0, 'a range of 0 bytes cannot be watched'],
    [0n, 2 ** 52, 'a range of 4503599627370496 bytes cannot be watched'],
    [0xffff_ffff_ffff_fff8n, 16, 'the range from 0xfffffffffffffff8 goes beyond the last address'],
    [0x4000_0001n, 0x1000_0000, 'this range takes 27 hardware watchpoints, and 4 of 4 are free'],
  ])('%i of length %i is refused', (address, length, message) => {
    expect(guest.breakpoints.insert('write', address, length)).toMatchObject({ message });
  });
});

describe('breakpoints that are removed while the guest runs', () => {
  test.each(['software', 'hardware', 'write'] as const)('%s: the guest never hears of them', async (kind) => {
    await toLoop();
    guest.registers.write(1, PC, spin);
    guest.breakpoints.insert(kind, kind === 'write' ? data : off, 4);
    const stop = go(guest);
    await new Promise((resolve) => setTimeout(resolve, 10));
    guest.breakpoints.removeAll();
    // str x19, [x1], and on to where the breakpoint was: its slot is still in the CPU.
    guest.machine.memory.view(spin, 4)!.set([0x33, 0x00, 0x00, 0xf9]);
    guest.machine.memory.changed(spin, 4);
    expect(await stop).toEqual({ kind: 'exited', code: 0 });
    expect(guest.registers.read(1, 0xc201)).toBe(0n);
  });
});

describe('endings', () => {
  test('a guest that powers off has exited', async () => {
    guest.registers.write(1, PC, off);
    expect(await go(guest)).toEqual({ kind: 'exited', code: 0 });
    expect(await go(guest)).toEqual({ kind: 'exited', code: 0 });
    expect(guest.reset()).toBeUndefined();
    expect(await step(guest)).toEqual({ kind: 'step', thread: 1 });
  });

  test('a guest that resets itself is held at its start while a debugger is there', async () => {
    insert('software', leaf);
    guest.registers.write(1, PC, again);
    expect(await go(guest)).toEqual({ kind: 'reset', thread: 1 });
    expect(pc()).toBe(RAM);
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
  });

  test('without a debugger a reset goes on', async () => {
    guest.attached(false);
    guest.registers.write(1, PC, again);
    const stop = go(guest);
    setTimeout(() => guest.execution.interrupt(), 20);
    expect(await stop).toEqual({ kind: 'interrupted', thread: 1 });
    expect(read(X19)).toBeGreaterThan(0n);
  });

  test('the virtual counter stands still while the guest is stopped', async () => {
    const CNTVCT_EL0 = 0xdf02;
    await step(guest);
    const before = read(CNTVCT_EL0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    guest.cpus[0].sync.invalidate();
    expect(read(CNTVCT_EL0)).toBe(before);
  });
});

describe("the guest's own debug exceptions, with a debugger that has breakpoints", () => {
  /** Each handler entry stores ESR, ELR, SPSR, FAR behind the last; then the guest goes on behind the instruction. */
  const own = assemble(`
    ldr x0, =vectors
    msr vbar_el1, x0
    ldr x20, =log
    ldr x21, =watched
    msr oslar_el1, xzr
    mov x0, #0xa000
    msr mdscr_el1, x0
    msr daifclr, #8
  brk1:
    brk #0x1234
    msr far_el1, xzr
    // watchpoint 0: stores to the doubleword, EL1 and EL0
    msr dbgwvr0_el1, x21
    ldr x0, =0x1ff7
    msr dbgwcr0_el1, x0
    isb
    str w0, [x21, #4]
    ldr x0, [x21]
    msr dbgwcr0_el1, xzr
    // breakpoint 0
    ldr x0, =here
    msr dbgbvr0_el1, x0
    ldr x0, =0x1e7
    msr dbgbcr0_el1, x0
    isb
  here:
    nop
    msr dbgbcr0_el1, xzr
    // EL0: the same watchpoint, for loads too, and BRK
    ldr x0, =0x1fff
    msr dbgwcr0_el1, x0
    ldr x0, =user
    msr elr_el1, x0
    msr spsr_el1, xzr
    eret
  user:
    ldr x0, [x21]
    brk #1
    brk #0xffff
  elsewhere:
    nop
    .ltorg
    .balign 2048
  vectors:
    .rept 16
    b handler
    .balign 128
    .endr
  handler:
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, spsr_el1
    mrs x3, far_el1
    stp x0, x1, [x20], #16
    stp x2, x3, [x20], #16
    msr dbgbcr0_el1, xzr
    msr dbgwcr0_el1, xzr
    mov w4, #0xffff
    cmp w4, w0, uxth
    b.eq power
    add x1, x1, #4
    msr elr_el1, x1
    eret
  power:
    ldr x0, =0x84000008
    hvc #0
    .ltorg
    .balign 64
  watched:
    .quad 0, 0
  log:
    .fill 64, 8, 0
  `);
  const { symbols } = own;
  const logOf = (memory: Guest['machine']['memory']) => {
    const view = memory.view(symbols.log, 256)!;
    return [...new BigUint64Array(view.slice().buffer)];
  };

  /** Without any debugger: what the hardware does. */
  async function undisturbed(): Promise<bigint[]> {
    const machine = machineOf(own);
    machine.startClock();
    expect(await machine.vcpus[0].run()).toEqual({ kind: 'shutdown' });
    return logOf(machine.memory);
  }

  test('arrive as the hardware would have given them', async () => {
    const expected = await undisturbed();
    // BRK, watchpoint of EL1, breakpoint of EL1, watchpoint and BRK of EL0, the last BRK
    expect(expected.slice(0, 24).filter((_, i) => i % 4 === 0)).toEqual([
      0xf200_1234n,
      0xd600_0062n,
      0xc600_0022n,
      0xd200_0022n,
      0xf200_0001n,
      0xf200_ffffn,
    ]);
    guest = guestOf(own);
    insert('software', symbols.elsewhere);
    expect(await go(guest)).toEqual({ kind: 'exited', code: 0 });
    expect(logOf(guest.machine.memory)).toEqual(expected);
  });

  test('a BRK is stepped into its handler', async () => {
    guest = guestOf(own);
    insert('software', symbols.brk1);
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
    expect(pc()).toBe(symbols.brk1);
    expect(await step(guest)).toEqual({ kind: 'step', thread: 1 });
    expect(pc()).toBe(symbols.vectors + 0x200n);
    expect(guest.registers.read(1, 0xc201)).toBe(symbols.brk1);
  });

  test('ours win where both stop', async () => {
    guest = guestOf(own);
    insert('software', symbols.brk1);
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const stop = await go(guest);
      seen.push([stop.kind, stop.kind === 'breakpoint' ? pc() : undefined]);
    }
    expect(seen).toEqual([
      ['breakpoint', symbols.brk1],
      ['exited', undefined],
    ]);
    expect(logOf(guest.machine.memory)).toEqual(await undisturbed());
  });
});
