import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodingNumber } from '../../src/arm/index.ts';
import { CoreId, idGroup, idName, idSize, sysregId } from '../../src/backend/kvm-ids.ts';
import { type KvmKernel, kvmRegisterList } from '../../src/backend/kvm-lists.ts';
import { type KvmWriteRule, kvmWriteRule } from '../../src/backend/kvm-rules.ts';

interface Row {
  readonly id: bigint;
  readonly initial: bigint;
  readonly held: string;
}

/** What a real kernel answered; test/backend/measured says how. */
function measured(kernel: KvmKernel): Row[] {
  const text = readFileSync(new URL(`measured/kvm-${kernel}.txt`, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [id, initial, ...held] = line.split(' ');
      return { id: BigInt(`0x${id}`), initial: BigInt(`0x${initial}`), held: held.join(' ') };
    });
}

/** The writes of the measurement, in its order, carried out by a rule. */
function replay(rule: KvmWriteRule, initial: bigint, bytes: number): string {
  const ones = (1n << BigInt(8 * bytes)) - 1n;
  let now = initial;
  const write = (value: bigint): boolean => {
    const next = rule.write(value, now, initial);
    now = next ?? now;
    return next !== undefined;
  };
  const after = (...values: bigint[]): bigint => {
    values.forEach(write);
    return now;
  };
  const held = [after(initial, initial ^ ones), after(initial, ones), after(0n)];
  let accepted = 0n;
  let flipped = 0n;
  for (let bit = 1n; bit <= ones; bit <<= 1n) {
    write(initial);
    if (!write(initial ^ bit)) continue;
    accepted |= bit;
    flipped |= (now ^ initial) & bit;
  }
  return [...held, accepted, flipped].map((value) => value.toString(16)).join(' ');
}

describe.each(['6.1', '6.12'] as const)('writes on Linux %s', (kernel) => {
  const rows = measured(kernel);

  it.each(rows.map((row) => ({ ...row, name: idName(row.id) })))('$name', ({ id, initial, held }) => {
    expect(replay(kvmWriteRule(kernel, id), initial, idSize(id))).toBe(held);
  });

  it('are plain for every other register but timers and PSTATE', () => {
    const special = new Set(rows.map(({ id }) => id));
    const others = [...kvmRegisterList({ kernel, pmu: true })].filter(
      (id) => !special.has(id) && kvmWriteRule(kernel, id).kind !== 'plain',
    );
    const timers = kernel === '6.1' ? ['CNTV_CTL_EL0'] : ['CNTP_CTL_EL0', 'CNTV_CTL_EL0'];
    expect(others.map(idName)).toEqual(['PSTATE', ...timers]);
  });

  it('keep 32 bits of a 32-bit register', () => {
    expect(kvmWriteRule(kernel, CoreId.FPCR).write(0x1_0000_0002n, 0n, 0n)).toBe(2n);
  });

  it('keep all of a timer control but ISTATUS', () => {
    const control = sysregId(encodingNumber([3, 3, 14, 3, 1]));
    expect(kvmWriteRule(kernel, control).write((1n << 64n) - 1n, 0n, 0n)).toBe(0xffff_fffbn);
  });

  it.each([
    [0x0n, true],
    [0x3c4n, true],
    [0xffff_ffff_ffff_ffe5n, true],
    [0x3c8n, false],
    [0x3cdn, false],
    [0x1d3n, false],
    [0x10n, false],
  ])('take PSTATE %i: %s', (value, taken) => {
    expect(kvmWriteRule(kernel, CoreId.PSTATE).write(value, 0x3c5n, 0x3c5n)).toBe(taken ? value : undefined);
  });
});

describe('identification registers', () => {
  it('are refused any change after the first run on 6.12 only, if they could be changed at all', () => {
    const fixed = (kernel: KvmKernel) =>
      [...kvmRegisterList({ kernel, pmu: true })].filter((id) => kvmWriteRule(kernel, id).fixedByRun);
    expect(fixed('6.1').map((id) => idGroup(id))).toEqual(Array(3).fill('firmware-bitmap'));
    expect(fixed('6.12').map(idName)).toContain('ID_AA64MMFR0_EL1');
  });

  it('come back to what they were', () => {
    const rule = kvmWriteRule('6.12', sysregId(encodingNumber([3, 0, 0, 6, 0])));
    const initial = 0x1221_1111_1021_2120n;
    expect(rule.write(0n, initial, initial)).toBe(0n);
    expect(rule.write(initial, 0n, initial)).toBe(initial);
    expect(rule.write(initial + 0x10n, 0n, initial)).toBeUndefined();
  });
});
