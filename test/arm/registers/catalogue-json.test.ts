import { describe, expect, it } from 'vitest';
import { allRegisters, catalogueJson, registersByGlob, systemRegisters } from '../../../src/arm/index.ts';

describe('the catalogue as JSON', () => {
  it('has this shape', () => {
    expect(catalogueJson(registersByGlob('CPACR_EL1'))).toEqual([
      {
        name: 'CPACR_EL1',
        encoding: [3, 0, 1, 0, 2],
        bits: 64,
        group: 'control',
        access: 'RW',
        fields: [
          { name: 'E0POE', high: 29, low: 29, values: expect.any(Object) },
          { name: 'TTA', high: 28, low: 28, values: { 0: 'no trap', 1: 'trace registers trap' } },
          { name: 'SMEN', high: 25, low: 24, values: expect.any(Object) },
          {
            name: 'FPEN',
            high: 21,
            low: 20,
            values: { 0: 'EL0 and EL1 trap', 1: 'EL0 traps', 2: 'EL0 and EL1 trap', 3: 'no trap' },
          },
          { name: 'ZEN', high: 17, low: 16, values: expect.any(Object) },
        ],
      },
    ]);
  });

  const json = JSON.parse(JSON.stringify(catalogueJson(allRegisters)));

  it('survives being written and read, and has each name once', () => {
    expect(json).toEqual(catalogueJson(allRegisters));
    const names = json.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
    // The one that has its number from another register.
    expect(names).toContain('DBGDTRTX_EL0');
    expect(names.length).toBe(systemRegisters.length + 1 + 34 + 32);
  });

  it('has no encoding for the general registers', () => {
    const general = json.filter(({ encoding }: { encoding: unknown }) => encoding === null);
    expect(general.map(({ name }: { name: string }) => name).slice(-36, -31)).toEqual([
      'X30',
      'SP',
      'PC',
      'CPSR',
      'V0',
    ]);
  });
});
