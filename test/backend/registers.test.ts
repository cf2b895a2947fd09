import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Esr, findRegister, maskOf, type SystemRegister } from '../../src/arm/index.ts';
import {
  coreRegisters,
  Errno,
  FIELD_VIEW,
  Guest,
  idToSystemRegisterNumber,
  type Machine,
  Refusal,
  sysregId,
} from '../../src/backend/index.ts';
import { assemble, guestOf, step } from './assembled.ts';
import { type ScriptedRegister, ScriptedVcpu } from './scripted-vcpu.ts';

const program = assemble(`
  mov x0, #1
loop:
  add x0, x0, #1
  b loop
`);
const numberOf = (name: string): number => (findRegister(name) as SystemRegister).number;
const VBAR_EL1 = numberOf('VBAR_EL1');
const MIDR_EL1 = numberOf('MIDR_EL1');
const [SP, PC, CPSR] = [31, 32, 33];
const ALL = (1n << 64n) - 1n;

let guest: Guest;
beforeEach(() => {
  guest = guestOf(program);
});

const read = (number: number) => guest.registers.read(1, number);
const write = (number: number, value: bigint) => guest.registers.write(1, number, value);
const message = (outcome: unknown): string | undefined => (outcome as Refusal | undefined)?.message;

/** A value that the architecture allows and that differs from `old`: the highest bit that the CPU has a use for. */
function legalChange({ fields }: SystemRegister, kept: bigint, old: bigint): bigint {
  const free = maskOf(fields.filter(({ kind, write: does }) => kind !== 'res0' && !does)) & kept;
  return free === 0n ? old : old ^ (1n << BigInt(free.toString(2).length - 1));
}

describe('every system register', () => {
  const rows = [...guestOf(program).cpus[0].table.system.values()].map(
    (register) => [register.name, register.definition!] as const,
  );

  test('is the whole list of the vCPU, and PSTATE by its parts', () => {
    const names = new Set(rows.map(([name]) => name));
    for (const name of [
      'SCTLR_EL1',
      'SP_EL0',
      'SP_EL1',
      'ELR_EL1',
      'SPSR_EL1',
      'SPSR_fiq',
      'CNTV_CVAL_EL0',
      'DAIF',
      'PAN',
    ])
      expect(names).toContain(name);
    // No feature of this CPU, or without storage of its own.
    for (const name of ['UAO', 'ZCR_EL1', 'APIAKEYLO_EL1', 'ICC_PMR_EL1', 'PMSWINC_EL0', 'PMXEVCNTR_EL0'])
      expect(names).not.toContain(name);
    expect(rows.length).toBeGreaterThan(170);
  });

  /** The simulated kernel is Linux 6.12's: these are written although no MSR could. */
  const writableInspite = new Set(['MPIDR_EL1', 'OSLSR_EL1', 'CNTVCT_EL0', 'CNTPCT_EL0']);

  test.each(rows.filter(([, { access }]) => access === 'RW'))(
    '%s takes a legal new value, and holds it after a step',
    async (_name, definition) => {
      const { number } = definition;
      const register = guest.cpus[0].table.system.get(number)!;
      const old = read(number) as bigint;
      const value = legalChange(definition, register.kept, old);
      expect(value).not.toBe(old);
      expect(message(write(number, value))).toBeUndefined();
      expect(read(number)).toBe(value);
      await step(guest);
      // The counters go on, and an exception on the way writes what it writes.
      if (!/^(ESR|ELR|SPSR|FAR)_EL1$|^SPSel$|^DAIF$|^PAN$/.test(definition.name)) expect(read(number)).toBe(value);
    },
  );

  test.each(rows.filter(([name, { access }]) => access !== 'RW' && !writableInspite.has(name)))(
    '%s refuses every other value, with the reason, and keeps its own',
    (name, { number }) => {
      const old = read(number) as bigint;
      for (const value of [old ^ ALL, old ^ 1n, old ^ (1n << 63n)]) {
        const refusal = write(number, value);
        expect(refusal).toBeInstanceOf(Refusal);
        expect(message(refusal)).toMatch(new RegExp(`^${name}.* is read-only.* holds 0x${old.toString(16)}$`));
        expect(read(number)).toBe(old);
      }
      expect(write(number, old)).toBeUndefined();
    },
  );

  const monitors = rows.filter(([, { group }]) => group === 'pmu');

  test.each(monitors)('%s: values stick as they are or change nothing, here or elsewhere', (name, { number }) => {
    const shown = () => new Map(rows.map(([one, definition]) => [one, read(definition.number)]));
    // Something to be set and cleared, and something to count.
    for (const [register, value] of [
      ['PMCNTENSET_EL0', 0x8000_0003n],
      ['PMINTENSET_EL1', 0x21n],
      ['PMOVSSET_EL0', 0x8000_0012n],
      ['PMCCNTR_EL0', 77n],
      ['PMEVCNTR0_EL0', 78n],
      ['PMCR_EL0', 0x3001n],
    ] as const)
      expect(write(numberOf(register), value)).toBeUndefined();
    const storage = (one: string) => one.replace(/^(PM\w+)CLR_/, '$1SET_');
    const values = [
      ...Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit)),
      0n,
      ALL,
      0x8000_003fn,
      0x12n,
      0x3002n,
      0x3000n,
      0x3071n,
    ];
    let taken = 0;
    for (const value of values) {
      const before = shown();
      const refusal = write(number, value);
      const after = shown();
      if (refusal) expect(after).toEqual(before);
      else {
        taken++;
        const touched = [...after].filter(([one, now]) => now !== before.get(one)).map(([one]) => one);
        expect(read(number)).toBe(value);
        for (const [one, now] of after) if (storage(one) === storage(name)) expect(now, one).toBe(value);
        expect(touched.filter((one) => storage(one) !== storage(name))).toEqual([]);
      }
    }
    expect(taken).toBeGreaterThan(1);
  });

  test.each([
    [
      'PMCR_EL0',
      0x3002n,
      'BITS_ACT',
      'bits 0x2 act when the guest writes them and are not kept; it still holds 0x3000',
    ],
    [
      'PMCR_EL0',
      0x3007n,
      'BITS_ACT',
      'bits 0x6 act when the guest writes them and are not kept; it still holds 0x3000',
    ],
    ['PMCR_EL0', 0x3800n, 'BITS_READ_ONLY', 'bits 0x800 are read-only; it still holds 0x3000'],
    ['PMCR_EL0', 0x4101_3000n, 'BITS_READ_ONLY', 'bits 0x41010000 are read-only; it still holds 0x3000'],
    ['PMCR_EL0', 0x3008n, 'BITS_RES0', 'bits 0x8 are RES0 here and did not stick; it still holds 0x3000'],
    ['PMCNTENSET_EL0', 0x41n, 'BITS_RES0', 'bits 0x40 are RES0 here and did not stick; it still holds 0x0'],
    ['PMINTENCLR_EL1', 0x40n, 'BITS_RES0', 'bits 0x40 are RES0 here and did not stick; it still holds 0x0'],
    ['PMEVCNTR5_EL0', 1n << 32n, 'BITS_RES0', 'bits 0x100000000 are RES0 here and did not stick; it still holds 0x0'],
    ['PMEVTYPER0_EL0', 0x400n, 'BITS_RES0', 'bits 0x400 are RES0 here and did not stick; it still holds 0x0'],
    ['PMUSERENR_EL0', 0x1fn, 'BITS_RES0', 'bits 0x10 are RES0 here and did not stick; it still holds 0x0'],
  ])('%s = %i: %s', (name, value, code, sentence) => {
    expect(write(numberOf(name), value)).toMatchObject({ code, message: `${name}: ${sentence}` });
  });

  test('the number of counters is made less before the first run only', async () => {
    const PMCR_EL0 = numberOf('PMCR_EL0');
    expect(write(PMCR_EL0, 0x2041n)).toBeUndefined();
    await step(guest);
    expect(read(PMCR_EL0)).toBe(0x2041n);
    expect(write(PMCR_EL0, 0x1841n)).toMatchObject({
      code: 'BITS_READ_ONLY',
      message: 'PMCR_EL0: bits 0x3800 are read-only; it still holds 0x2041',
    });
    expect(write(PMCR_EL0, 0x2040n)).toBeUndefined();
  });

  test.each(['PMSWINC_EL0', 'PMXEVCNTR_EL0', 'PMXEVTYPER_EL0', 'PMCEID0_EL0'])(
    '%s is not told, and refused',
    (name) => {
      expect(write(numberOf(name), 1n)).toMatchObject({ code: 'REGISTER_UNKNOWN' });
    },
  );

  test('random values stick as they are or change nothing, and what sticks outlives a step', async () => {
    // Registers that the next instruction may change by itself, or that stop the guest from executing one.
    const volatile = /^(CNT|ESR_EL1|FAR_EL1|ELR_EL1|SPSR_EL1|SPSel|DAIF|NZCV|PAN|CurrentEL|SCTLR_EL1|MDSCR_EL1)/;
    const stable = rows.filter(([name]) => !volatile.test(name)).map(([, { number }]) => number);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...stable), fc.bigInt({ min: 0n, max: ALL }), async (number, value) => {
        const old = read(number);
        const refusal = write(number, value);
        expect(read(number)).toBe(refusal ? old : value);
        await step(guest);
        expect(read(number)).toBe(refusal ? old : value);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('reading', () => {
  test('$sp is the stack pointer of the present exception level', () => {
    write(numberOf('SP_EL0'), 0x1000n);
    write(numberOf('SP_EL1'), 0x2000n);
    expect(read(SP)).toBe(0x2000n);
    write(CPSR, 0x3c4n);
    expect(read(SP)).toBe(0x1000n);
    write(CPSR, 0x3c0n);
    expect(read(SP)).toBe(0x1000n);
    write(SP, 0x3000n);
    expect([read(numberOf('SP_EL0')), read(numberOf('SP_EL1'))]).toEqual([0x3000n, 0x2000n]);
  });

  test('numbers that were not told are refused', () => {
    expect(message(read(68))).toBe('there is no register with the number 0x44');
    expect(message(read(0xffff))).toBe('there is no register with the number 0xffff');
    expect(message(guest.registers.read(2, PC))).toBe('there is no CPU 2');
    expect(message(guest.registers.write(0, PC, 0n))).toBe('there is no CPU 0');
  });

  test('a view by fields is the register itself', () => {
    expect(write(FIELD_VIEW | VBAR_EL1, 0x4000_0800n)).toBeUndefined();
    expect(read(VBAR_EL1)).toBe(0x4000_0800n);
    expect(read(FIELD_VIEW | VBAR_EL1)).toBe(0x4000_0800n);
  });

  test('vectors are 128 bits wide', () => {
    const value = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeffn;
    expect(write(34 + 7, value)).toBeUndefined();
    expect(read(34 + 7)).toBe(value);
    expect(read(34 + 6)).toBe(0n);
  });
});

describe('refusals', () => {
  test.each([
    [CPSR, 1n << 32n, 'VALUE_TOO_WIDE', 'cpsr: 0x100000000 does not fit into its 32 bits'],
    [PC, 1n << 64n, 'VALUE_TOO_WIDE', 'pc: 0x10000000000000000 does not fit into its 64 bits'],
    [34, 1n << 128n, 'VALUE_TOO_WIDE', 'v0: 0x100000000000000000000000000000000 does not fit into its 128 bits'],
    [CPSR, 0x3c9n, 'VALUE_REFUSED', 'cpsr: the simulator refused 0x3c9 (EINVAL, invalid value); it still holds 0x3c5'],
    [VBAR_EL1, 0x801n, 'BITS_RES0', 'VBAR_EL1: bits 0x1 are RES0 here and did not stick; it still holds 0x0'],
    [
      numberOf('CPACR_EL1'),
      0x30_0001n,
      'BITS_RES0',
      'CPACR_EL1: bits 0x1 are RES0 here and did not stick; it still holds 0x0',
    ],
    [
      numberOf('CNTV_CTL_EL0'),
      0x1n,
      'BITS_LOST',
      'CNTV_CTL_EL0: bits 0x4 did not stick on this CPU; it still holds 0x0',
    ],
    [numberOf('ISR_EL1'), 1n, 'REGISTER_UNKNOWN', 'there is no register with the number 0xc608'],
  ])('register %i, value %s: %s', (number, value, code, text) => {
    expect(write(number, value)).toMatchObject({ code, message: text });
  });

  test('an identification register says which kind of thing it is, before and after the first run', async () => {
    const held = `0x${(read(MIDR_EL1) as bigint).toString(16)}`;
    const start = 'MIDR_EL1 is read-only: it identifies the CPU and keeps its value';
    expect(message(write(MIDR_EL1, 1n))).toBe(`${start} (EINVAL, invalid value); it holds ${held}`);
    await step(guest);
    expect(message(write(numberOf('ID_AA64PFR0_EL1'), 1n))).toContain('EBUSY, it cannot change once the CPU has run');
  });
});

describe('several at once', () => {
  test('all or none', () => {
    const before = [0, 1, 2].map(read);
    const writes = [
      { register: 0, value: 11n },
      { register: MIDR_EL1, value: 1n },
      { register: VBAR_EL1, value: 0x4000_0800n },
      { register: 1, value: 22n },
    ];
    expect(message(guest.registers.writeAll(1, writes))).toContain('MIDR_EL1 is read-only');
    expect([0, 1, 2].map(read)).toEqual(before);
    expect(read(VBAR_EL1)).toBe(0n);
    expect(guest.registers.writeAll(1, [writes[0], writes[2], writes[3]])).toBeUndefined();
    expect([read(0), read(1), read(VBAR_EL1)]).toEqual([11n, 22n, 0x4000_0800n]);
  });

  test('a value too wide and an unknown register stop it before it begins', () => {
    const wide = { register: CPSR, value: 1n << 40n };
    expect(message(guest.registers.writeAll(1, [{ register: 0, value: 5n }, wide]))).toContain('does not fit');
    expect(
      message(
        guest.registers.writeAll(1, [
          { register: 0, value: 5n },
          { register: 999, value: 0n },
        ]),
      ),
    ).toContain('0x3e7');
    expect(message(guest.registers.writeAll(7, []))).toBe('there is no CPU 7');
    expect(read(0)).toBe(0n);
  });

  test('random batches are carried out whole or not at all', () => {
    const numbers = [0, 1, 30, SP, PC, CPSR, 34, 66, VBAR_EL1, MIDR_EL1, numberOf('TTBR0_EL1'), numberOf('SPSR_EL1')];
    const one = fc.record({
      register: fc.constantFrom(...numbers),
      value: fc.oneof(fc.bigInt({ min: 0n, max: ALL }), fc.constantFrom(0x3c5n, 0x3c4n, 0x800n, 0x1000n)),
    });
    const batches = fc.uniqueArray(one, { selector: ({ register }) => register, maxLength: 6 });
    fc.assert(
      fc.property(batches, (writes) => {
        const before = new Map(numbers.map((number) => [number, read(number)]));
        const refusal = guest.registers.writeAll(1, writes);
        const after = new Map(numbers.map((number) => [number, read(number)]));
        if (refusal) {
          expect(after).toEqual(before);
          return;
        }
        for (const { register, value } of writes) expect(after.get(register)).toBe(value);
        const touched = new Set(writes.map(({ register }) => register));
        // Another PSTATE may mean another SP.
        for (const number of numbers)
          if (!touched.has(number) && !(number === SP && touched.has(CPSR)))
            expect(after.get(number)).toBe(before.get(number));
      }),
      { numRuns: 500 },
    );
  });

  test('PSTATE chooses which SP is meant, in whatever order they come', () => {
    const writes = [
      { register: SP, value: 0x5000n },
      { register: CPSR, value: 0x3c4n },
    ];
    expect(guest.registers.writeAll(1, writes)).toBeUndefined();
    expect([read(numberOf('SP_EL0')), read(numberOf('SP_EL1'))]).toEqual([0x5000n, 0n]);
  });

  test('saving all and restoring it brings everything back', async () => {
    const numbers = [...guest.cpus[0].table.general.keys()];
    const saved = numbers.map((register) => ({ register, value: read(register) as bigint }));
    await step(guest);
    await step(guest);
    expect(read(PC)).not.toBe(saved[PC].value);
    expect(guest.registers.writeAll(1, saved)).toBeUndefined();
    expect(numbers.map(read)).toEqual(saved.map(({ value }) => value));
  });
});

describe('policy and journal', () => {
  test('mask keeps what sticks', () => {
    guest.registers.policy = 'mask';
    expect(write(VBAR_EL1, 0x4000_0801n)).toBeUndefined();
    expect(read(VBAR_EL1)).toBe(0x4000_0800n);
    expect(guest.journal.edits().at(-1)).toMatchObject({ outcome: 'partial', value: 0x4000_0801n, held: 0x4000_0800n });
    expect(message(write(MIDR_EL1, 0n))).toContain('read-only');
  });

  test('every edit is in the journal with its outcome', async () => {
    await step(guest);
    write(VBAR_EL1, 0x1000n);
    write(VBAR_EL1, 0x1001n);
    write(FIELD_VIEW | VBAR_EL1, 0x2000n);
    expect(guest.journal.edits()).toMatchObject([
      {
        sequence: 1,
        cpu: 0,
        pc: 0x4000_0004n,
        register: 'VBAR_EL1',
        old: 0n,
        value: 0x1000n,
        held: 0x1000n,
        outcome: 'written',
      },
      {
        sequence: 2,
        old: 0x1000n,
        value: 0x1001n,
        held: 0x1000n,
        outcome: 'refused',
        note: expect.stringContaining('RES0'),
      },
      { sequence: 3, old: 0x1000n, value: 0x2000n, held: 0x2000n, outcome: 'written' },
    ]);
  });

  test('a write that takes the memory from under the pc is carried out with a warning', () => {
    const SCTLR_EL1 = numberOf('SCTLR_EL1');
    const old = read(SCTLR_EL1) as bigint;
    expect(write(SCTLR_EL1, old | 1n)).toBeUndefined();
    expect(read(SCTLR_EL1)).toBe(old | 1n);
    expect(guest.journal.edits().at(-1)).toMatchObject({
      outcome: 'written',
      note: expect.stringContaining('no longer mapped'),
    });
    expect(write(SCTLR_EL1, old)).toBeUndefined();
    expect(guest.journal.edits().at(-1)?.note).toBeUndefined();
  });

  test('the state of a CPU that ran is read anew', async () => {
    expect(read(0)).toBe(0n);
    await step(guest);
    expect(read(0)).toBe(1n);
  });
});

describe('a machine with a mind of its own', () => {
  const translation = ['SCTLR_EL1', 'TTBR0_EL1', 'TTBR1_EL1', 'TCR_EL1', 'MAIR_EL1', 'ID_AA64MMFR0_EL1'];
  let vcpu: ScriptedVcpu;

  /** Gives the vCPU reads and writes in one trip. */
  function inOneTrip(): void {
    vcpu.transferRegisters = (writes, ids, values, errnos, count) => {
      let failures = 0;
      const error = new Int32Array(1);
      const { calls } = vcpu;
      for (let i = 0; i < count; i++) {
        const value = values.subarray(i, i + 1);
        const id = ids.subarray(i, i + 1);
        if (writes[i] === 1 && i > 0 && errnos[i - 1] !== 0) error[0] = errnos[i - 1];
        else if (writes[i] === 1) vcpu.setRegisters(id, value, error, 1);
        else vcpu.getRegisters(id, value, error, 1);
        errnos[i] = error[0];
        if (errnos[i] !== 0) failures++;
      }
      vcpu.calls = calls + 1;
      return failures;
    };
  }

  function guestWith(special: Omit<ScriptedRegister, 'id'>): Guest {
    vcpu = new ScriptedVcpu([
      ...coreRegisters.map(({ id, name }) => ({ id, value: name === 'PSTATE' ? 0x3c5n : 0n })),
      ...[...translation, 'ESR_EL1', 'FAR_EL1'].map((name) => ({ id: sysregId(numberOf(name)) })),
      { id: sysregId(VBAR_EL1), ...special },
    ]);
    const machine: Machine = {
      name: 'kvm',
      vcpus: [vcpu],
      memory: { ranges: [], view: () => undefined, changed: () => undefined },
      hardwareBreakpoints: 0,
      hardwareWatchpoints: 0,
      stopClock: () => undefined,
      startClock: () => undefined,
      reset: () => undefined,
      close: () => undefined,
    };
    return new Guest(machine);
  }

  test('one write costs one get, one set and one read-back', () => {
    guest = guestWith({});
    read(PC);
    vcpu.log = [];
    vcpu.calls = 0;
    expect(write(VBAR_EL1, 0x800n)).toBeUndefined();
    expect(vcpu.log.map((line) => line.split(' ')[0])).toEqual(['get', 'set', 'get']);
    expect(vcpu.calls).toBe(3);
    expect(read(VBAR_EL1)).toBe(0x800n);
    expect(vcpu.calls).toBe(3);
  });

  test('or all of that in one trip, where the vCPU can', () => {
    guest = guestWith({});
    inOneTrip();
    read(PC);
    vcpu.log = [];
    vcpu.calls = 0;
    expect(write(VBAR_EL1, 0x800n)).toBeUndefined();
    expect(vcpu.log.map((line) => line.split(' ')[0])).toEqual(['get', 'set', 'get']);
    expect(vcpu.calls).toBe(1);
    expect([read(VBAR_EL1), vcpu.calls]).toEqual([0x800n, 1]);
    // What is known is not read again.
    expect(write(VBAR_EL1, 0x1000n)).toBeUndefined();
    expect(vcpu.log.map((line) => line.split(' ')[0])).toEqual(['get', 'set', 'get', 'set', 'get']);
    expect([read(VBAR_EL1), vcpu.calls]).toEqual([0x1000n, 2]);
    expect(guest.journal.edits().map(({ old, held }) => [old, held])).toEqual([
      [0n, 0x800n],
      [0x800n, 0x1000n],
    ]);
  });

  test('a register that cannot be read is not written in one trip either', () => {
    guest = guestWith({ getErrno: Errno.ENOENT });
    inOneTrip();
    expect(message(write(VBAR_EL1, 0x800n))).toContain('VBAR_EL1 cannot be read: ENOENT');
    expect(vcpu.registers.get(sysregId(VBAR_EL1))?.value ?? 0n).toBe(0n);
  });

  test.each([
    [{ setErrno: Errno.EINVAL }, 'the kernel refused 0x800 (EINVAL, invalid value); it still holds 0x0'],
    [{ setErrno: Errno.EBUSY }, 'the kernel refused 0x800 (EBUSY, it cannot change once the CPU has run)'],
    [{ setErrno: 99 }, 'the kernel refused 0x800 (errno 99)'],
    [{ writable: 0xff00n, value: 0x800n ^ 0x800n }, undefined],
    [{ writable: 0x0n }, 'bits 0x800 did not stick on this CPU; it still holds 0x0'],
  ] as const)('%o', (special, text) => {
    for (const trip of [() => undefined, inOneTrip]) {
      guest = guestWith(special);
      trip();
      const told = message(write(VBAR_EL1, 0x800n));
      if (text === undefined) expect(told).toBeUndefined();
      else expect(told).toContain(text);
      expect(vcpu.get(sysregId(VBAR_EL1))).toBe(text === undefined ? 0x800n : 0n);
    }
  });

  test('where the machine does not tell which bits it keeps, RES0 bits are warned about', () => {
    guest = guestWith({});
    expect(write(VBAR_EL1, 0x1801n)).toBeUndefined();
    expect(guest.journal.edits().at(-1)).toMatchObject({
      outcome: 'written',
      note: 'bits 0x1 of VBAR_EL1 are RES0: they may be gone when the CPU has run',
    });
    expect(write(VBAR_EL1, 0x1800n)).toBeUndefined();
    expect(guest.journal.edits().at(-1)?.note).toBeUndefined();
  });

  test('bits that are gone when the CPU has run are told, once', () => {
    guest = guestWith({});
    const register = vcpu.registers.get(sysregId(VBAR_EL1))!;
    const stepTo = (value: (now: bigint) => bigint) => {
      vcpu.run = () => {
        register.value = value(register.value ?? 0n);
        return { kind: 'debug', esr: Esr.softwareStep(0), far: 0n };
      };
      expect(guest.execution.resume([{ thread: 1, kind: 'step', signal: 0 }])).toMatchObject({ kind: 'step' });
    };
    const last = () => guest.journal.edits().at(-1);
    expect(write(VBAR_EL1, 0x1801n)).toBeUndefined();
    stepTo((now) => now & ~0x7ffn);
    expect(last()).toMatchObject({ outcome: 'lost', register: 'VBAR_EL1', value: 0x1801n, held: 0x1800n });
    expect(last()?.note).toContain('bits 0x1 did not survive the run');
    const { count } = guest.journal;
    stepTo((now) => now);
    expect(guest.journal.count).toBe(count);
    // What the guest writes itself is no loss, and neither is a reset.
    expect(write(VBAR_EL1, 0x2000n)).toBeUndefined();
    stepTo(() => 0x4000n);
    expect(write(VBAR_EL1, 0x2001n)).toBeUndefined();
    expect(guest.reset()).toBeUndefined();
    stepTo(() => 0n);
    expect(guest.journal.edits().filter(({ outcome }) => outcome === 'lost')).toHaveLength(1);
  });

  test('what cannot be put back is said', () => {
    guest = guestWith({ value: 0x1001n });
    const set = vcpu.setRegisters.bind(vcpu);
    // A register that never holds what was written, and loses its lowest bit each time.
    vcpu.setRegisters = (ids, values, errnos, count) => {
      const failures = set(ids, values, errnos, count);
      for (const register of vcpu.registers.values())
        if (idToSystemRegisterNumber(register.id) === VBAR_EL1) register.value = (register.value ?? 0n) & ~1n;
      return failures;
    };
    expect(write(VBAR_EL1, 0x801n)).toMatchObject({
      code: 'NOT_RESTORED',
      message: 'VBAR_EL1: 0x801 did not stick and the old value 0x1001 could not be put back; it now holds 0x1000',
    });
    expect(guest.journal.edits().at(-1)).toMatchObject({ outcome: 'refused', held: 0x1000n });
  });

  test('a register that cannot be read is unavailable, and cannot be written', () => {
    guest = guestWith({ getErrno: Errno.ENOENT });
    expect(read(VBAR_EL1)).toBeUndefined();
    expect(write(VBAR_EL1, 0n)).toMatchObject({ code: 'REGISTER_UNREADABLE' });
    expect(vcpu.log.filter((line) => line.startsWith('set'))).toEqual([]);
  });
});
