import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Cpreg,
  CpregList,
  CpuState,
  levelIncludes,
  type RawAccess,
  type SyncLevel,
  type SyncMode,
  writeCpuStateToList,
  writeListToCpuState,
} from '../../src/arm/index.ts';

const word = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

/** A place in the state that keeps only the bits of `keeps`. */
const place = (number: number, keeps: (state: CpuState) => bigint = () => 0xffff_ffff_ffff_ffffn): RawAccess => ({
  read: (state) => state.system[number],
  write: (state, value) => {
    state.system[number] = value & keeps(state);
  },
});

const cpreg = (number: number, access: Cpreg['access'] = place(number)): Cpreg => ({
  index: BigInt(number),
  name: `R${number}`,
  level: 'runtime',
  access,
});

/** The list and the state of one register after: load `loaded`, edit to `edited`, collect. */
function edit(access: RawAccess, loaded: bigint, edited: bigint, mode: SyncMode) {
  const state = new CpuState();
  const list = new CpregList([cpreg(1, access)]);
  list.cpregValues[0] = loaded;
  writeListToCpuState(list, state);
  access.write(state, edited);
  const wanted = access.read(state);
  const failures = writeCpuStateToList(list, state, { kvmSync: true, mode });
  return { listed: list.cpregValues[0], held: access.read(state), wanted, failures, record: list.synchronised[0] };
}

describe('the list', () => {
  test('ids must ascend as unsigned numbers', () => {
    expect(() => new CpregList([cpreg(2), cpreg(1)])).toThrow('R1 is out of order');
    expect(() => new CpregList([cpreg(1), cpreg(1)])).toThrow('R1 is out of order');
  });

  test.each<[SyncLevel, SyncLevel, boolean]>([
    ['runtime', 'runtime', true],
    ['runtime', 'reset', false],
    ['runtime', 'full', false],
    ['reset', 'runtime', true],
    ['reset', 'reset', true],
    ['reset', 'full', false],
    ['full', 'runtime', true],
    ['full', 'reset', true],
    ['full', 'full', true],
  ])('a put of level %s and a register of level %s: %s', (level, own, included) => {
    expect(levelIncludes(level, own)).toBe(included);
  });
});

describe('list -> state -> list', () => {
  test('a refill and a collection without an edit change nothing', () => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 3, maxLength: 3 }),
        fc.constantFrom('record', 'probe'),
        (values, mode) => {
          const state = new CpuState();
          const list = new CpregList([cpreg(1), cpreg(2, 'unknown'), cpreg(3, 'noRaw')]);
          list.cpregValues.set(values);
          writeListToCpuState(list, state);
          expect(writeCpuStateToList(list, state, { kvmSync: true, mode: mode as SyncMode })).toEqual([]);
          expect([...list.cpregValues]).toEqual(values);
        },
      ),
    );
  });

  test('what the state cannot hold is named, recorded and not carried back', () => {
    const state = new CpuState();
    const list = new CpregList([
      cpreg(1),
      cpreg(
        2,
        place(2, () => 0xffn),
      ),
      cpreg(3, 'unknown'),
      cpreg(4, 'noRaw'),
    ]);
    list.cpregValues.set([0x1111n, 0x2222n, 0x3333n, 0x4444n]);
    expect(writeListToCpuState(list, state).map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'R2: the CPU state does not hold the value it was given',
      'R3: the CPU state has no place for it',
    ]);
    expect(list.synchronised).toEqual(['yes', 'no', 'never', 'never']);
    state.system[1] = 0x1112n;
    state.system[4] = 0x9999n;
    expect(writeCpuStateToList(list, state, { kvmSync: true })).toEqual([
      { position: 1, name: 'R2', operation: 'state to list', reason: expect.stringContaining('never loaded') },
    ]);
    expect([...list.cpregValues]).toEqual([0x1112n, 0x2222n, 0x3333n, 0x4444n]);
  });

  test('without kvmSync the state is taken as it is', () => {
    const state = new CpuState();
    const list = new CpregList([cpreg(1), cpreg(2, 'unknown')]);
    state.system[1] = 5n;
    expect(writeCpuStateToList(list, state, { kvmSync: false }).map(({ name }) => name)).toEqual(['R2']);
    expect(list.cpregValues[0]).toBe(5n);
  });

  test('only the positions asked for are touched', () => {
    const state = new CpuState();
    const list = new CpregList([cpreg(1), cpreg(2)]);
    list.cpregValues.set([1n, 2n]);
    writeListToCpuState(list, state, [1]);
    expect([state.system[1], state.system[2]]).toEqual([0n, 2n]);
    state.system[1] = 7n;
    state.system[2] = 8n;
    writeCpuStateToList(list, state, { kvmSync: true }, [1]);
    expect([...list.cpregValues]).toEqual([1n, 8n]);
  });
});

describe("the record and QEMU's probe", () => {
  test('agree for every register whose place depends on nothing but the value written', () => {
    fc.assert(
      fc.property(word, word, word, (keeps, loaded, edited) => {
        const access = place(1, () => keeps);
        const [record, probe] = [edit(access, loaded, edited, 'record'), edit(access, loaded, edited, 'probe')];
        expect(record.listed).toBe(probe.listed);
        expect(record.failures.map(({ name }) => name)).toEqual(probe.failures.map(({ name }) => name));
      }),
    );
  });

  test('the probe leaves another value in the state when it fails, the record never touches the state', () => {
    fc.assert(
      fc.property(word, word, word, (keeps, loaded, edited) => {
        const access = place(1, () => keeps);
        const [record, probe] = [edit(access, loaded, edited, 'record'), edit(access, loaded, edited, 'probe')];
        expect(record.held).toBe(record.wanted);
        expect(probe.held).toBe(probe.failures.length > 0 ? loaded & keeps : probe.wanted);
      }),
    );
  });

  /** A place that keeps other bits once R2 in the state is not zero. */
  const moody = (before: bigint, after: bigint): RawAccess =>
    place(1, (state) => (state.system[2] === 0n ? before : after));

  /** As `edit`, but the state changes its mood after the load. */
  function editInAnotherMood(before: bigint, after: bigint, loaded: bigint, edited: bigint, mode: SyncMode): bigint {
    const state = new CpuState();
    const access = moody(before, after);
    const list = new CpregList([cpreg(1, access)]);
    list.cpregValues[0] = loaded;
    writeListToCpuState(list, state);
    state.system[2] = 1n;
    access.write(state, edited);
    writeCpuStateToList(list, state, { kvmSync: true, mode });
    return list.cpregValues[0];
  }

  test('differ exactly where the place has changed its mind since the load', () => {
    fc.assert(
      fc.property(word, word, word, word, (before, after, loaded, edited) => {
        const record = editInAnotherMood(before, after, loaded, edited, 'record');
        const probe = editInAnotherMood(before, after, loaded, edited, 'probe');
        const held = edited & after;
        const loads = (keeps: bigint) => (loaded & keeps) === loaded;
        expect(record).toBe(loads(before) ? held : loaded);
        expect(probe).toBe(held !== loaded && loads(after) ? held : loaded);
        expect(record === probe).toBe(loads(before) === loads(after) || held === loaded);
      }),
      {
        examples: [
          [0xffffn, 0xffn, 0x1111n, 0x22n],
          [0xffn, 0xffffn, 0x1111n, 0x2222n],
        ],
      },
    );
  });

  test('after a refill that was not loaded, the record keeps the list and the probe carries the stale state over it', () => {
    for (const mode of ['record', 'probe'] as const) {
      const state = new CpuState();
      const list = new CpregList([cpreg(1)]);
      list.cpregValues[0] = 0x1111n;
      writeListToCpuState(list, state);
      list.cpregValues[0] = 0x30d0_0800n;
      list.synchronised[0] = 'never';
      writeCpuStateToList(list, state, { kvmSync: true, mode });
      expect(list.cpregValues[0]).toBe(mode === 'record' ? 0x30d0_0800n : 0x1111n);
    }
  });
});
