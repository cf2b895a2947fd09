/** Steps leave no trace: not in DAIF, not in what the guest has saved of it, and exclusives come to an end. */
import { describe, expect, test } from 'vitest';
import type { Guest } from '../../src/backend/index.ts';
import { assemble, go, guestOf, step } from './assembled.ts';

const numbers = Array.from({ length: 31 }, (_, n) => n);
const SPSR_EL1 = 0xc200;
const ELR_EL1 = 0xc201;
const [SP, PC, CPSR] = [31, 32, 33];
const everything = [...numbers, SP, PC, CPSR, SPSR_EL1, ELR_EL1];
const state = (guest: Guest) => everything.map((number) => guest.registers.read(1, number));

/** Everything that reads or writes DAIF, or saves it, with interrupts unmasked and masked. */
const masks = assemble(`
  adr x0, vectors
  msr vbar_el1, x0
  msr daifclr, #0xf
  mrs x1, daif
  msr daifset, #2
  mrs x2, daif
  msr daifclr, #2
  msr daifset, #1
  mrs x3, daif
  msr daifclr, #3
  msr daifset, #0xc
  mrs x4, daif
  mov x5, #0x40
  msr daif, x5
  mrs x6, daif
  msr daif, xzr
  svc #1
  mrs x8, daif
  brk #2
  mrs x9, daif
  .inst 0
  mrs x10, daif
  adr x0, returned
  msr elr_el1, x0
  mov x0, #0x85
  msr spsr_el1, x0
  eret
returned:
  mrs x11, daif
  msr daifclr, #0xf
  mrs xzr, daif
  b done
done:
  b done
  .balign 2048
vectors:
  .space 0x200
  // Sums what each exception has saved, and goes on behind the instruction.
  mrs x20, spsr_el1
  add x21, x21, x20
  eor x22, x20, x22, lsl #1
  mrs x23, daif
  add x24, x24, x23
  mrs x25, esr_el1
  lsr x25, x25, #26
  cmp x25, #0x15
  b.eq leave
  mrs x26, elr_el1
  add x26, x26, #4
  msr elr_el1, x26
leave:
  eret
`);

/** A lock taken and left, a compare that fails, a store that is never reached. */
const exclusives = assemble(`
  ldr x0, =lock
  mov w5, #0
again:
  ldaxr w1, [x0]
  cbnz w1, again
  mov w2, #1
  stxr w3, w2, [x0]
  cbnz w3, again
taken:
  add w5, w5, #1
  stlr wzr, [x0]
  mov w6, #9
compare:
  ldxr w7, [x0]
  cmp w7, w6
  b.ne different
  stxr w3, w6, [x0]
  cbnz w3, compare
different:
  add w5, w5, #2
alone:
  ldxr w8, [x0]
  b done
done:
  b done
  .ltorg
  .balign 64
lock:
  .quad 0
`);

async function ran(guest: Guest, done: bigint): Promise<Guest> {
  expect(guest.breakpoints.insert('software', done, 4)).toBeUndefined();
  expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
  return guest;
}

/** The pc after each step. */
async function stepped(guest: Guest, done: bigint, most = 200): Promise<unknown[]> {
  const places: unknown[] = [];
  for (let n = 0; n < most && guest.registers.read(1, PC) !== done; n++) {
    expect(await step(guest)).toMatchObject({ kind: 'step' });
    places.push(guest.registers.read(1, PC));
  }
  return places;
}

describe('steps', () => {
  test.each([false, true])('end in the state of a run without a debugger, interrupts in steps: %s', async (irq) => {
    const { done } = masks.symbols;
    const expected = state(await ran(guestOf(masks), done));
    const guest = guestOf(masks);
    guest.execution.stepsTakeInterrupts = irq;
    await stepped(guest, done);
    expect(state(guest)).toEqual(expected);
  });

  test('show DAIF as it is after each of them', async () => {
    const { done } = masks.symbols;
    const guest = guestOf(masks);
    const seen: unknown[] = [];
    for (let n = 0; n < 16; n++) {
      seen.push(((guest.registers.read(1, CPSR) as bigint) >> 6n) & 15n);
      await step(guest);
    }
    // After MSR DAIFClr, #15; #2 set and cleared; #1 set, both cleared; #12 set; DAIF = F alone.
    expect(seen).toEqual([15, 15, 15, 0, 0, 2, 2, 0, 1, 1, 0, 12, 12, 12, 1, 1].map(BigInt));
    expect(done).toBeDefined();
  });

  test('over a breakpoint hold interrupts, too, and give them back', async () => {
    const { done, returned } = masks.symbols;
    const expected = state(await ran(guestOf(masks), done));
    const guest = guestOf(masks);
    expect(guest.breakpoints.insert('software', returned, 4)).toBeUndefined();
    expect(await go(guest)).toMatchObject({ kind: 'breakpoint' });
    await ran(guest, done);
    expect(state(guest)).toEqual(expected);
  });

  test('at a load-exclusive run to where the sequence is left', async () => {
    const { again, taken, compare, different, alone, done } = exclusives.symbols;
    const expected = state(await ran(guestOf(exclusives), done));
    const guest = guestOf(exclusives);
    const places = await stepped(guest, done);
    expect(places).toContain(again);
    expect(places).not.toContain(again + 8n);
    // Behind the store of the first, at the target of the branch out of the second.
    expect(places.slice(places.indexOf(again) + 1).slice(0, 2)).toEqual([taken - 4n, taken]);
    expect(places[places.indexOf(compare) + 1]).toBe(different);
    expect(places[places.indexOf(alone) + 1]).toBe(alone + 4n);
    expect(state(guest)).toEqual(expected);
    expect(guest.memory.read(1, again, 4)).toEqual(guestOf(exclusives).memory.read(1, again, 4));
  });

  test('at a load-exclusive give interrupts back, whatever exception was taken there before', async () => {
    const { again, taken } = exclusives.symbols;
    const guest = guestOf(exclusives);
    await ran(guest, again);
    guest.breakpoints.removeAll();
    // IRQ and FIQ unmasked; the last exception came when the pc was here.
    for (const [number, value] of [
      [CPSR, 0x305n],
      [ELR_EL1, again],
      [SPSR_EL1, 0x305n],
    ] as const)
      expect(guest.registers.write(1, number, value)).toBeUndefined();
    expect(await step(guest)).toMatchObject({ kind: 'step' });
    expect(guest.registers.read(1, PC)).toBe(taken - 4n);
    expect([CPSR, SPSR_EL1].map((number) => guest.registers.read(1, number))).toEqual([0x305n, 0x305n]);
  });

  test('at a load-exclusive that waits for a lock end, too', async () => {
    const { again, taken, lock } = exclusives.symbols;
    const guest = guestOf(exclusives);
    await ran(guest, again);
    guest.breakpoints.removeAll();
    expect(guest.memory.write(1, lock, Uint8Array.of(1))).toBeUndefined();
    for (let n = 0; n < 5; n++) {
      expect(await step(guest)).toMatchObject({ kind: 'step' });
      expect([again, again + 4n]).toContain(guest.registers.read(1, PC));
    }
    expect(guest.memory.write(1, lock, Uint8Array.of(0))).toBeUndefined();
    await ran(guest, taken);
  });

  test('at a load-exclusive stop at a breakpoint inside', async () => {
    const { again, done } = exclusives.symbols;
    const guest = guestOf(exclusives);
    await ran(guest, again);
    guest.breakpoints.insert('software', again + 8n, 4);
    expect(await step(guest)).toMatchObject({ kind: 'breakpoint' });
    expect(guest.registers.read(1, PC)).toBe(again + 8n);
    guest.breakpoints.removeAll();
    await ran(guest, done);
  });
});
