import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { checkFields, generalRegisters, mask, Pstate, simdRegisters, systemRegisters } from '../../../src/arm/index.ts';

const all = [...generalRegisters, ...simdRegisters];

describe('the registers of debuggers', () => {
  it('are numbered as gdb numbers them', () => {
    const { stdout } = spawnSync(
      'gdb-multiarch',
      ['-nx', '-batch', '-ex', 'set architecture aarch64', '-ex', 'maint print registers'],
      { encoding: 'utf8' },
    );
    const byNumber = new Map(
      [...stdout.matchAll(/^ *(\S+) +(\d+) +\d+ +\d+ +\d+ /gm)].map(([, name, n]) => [Number(n), name]),
    );
    expect(all.map(({ number }) => byNumber.get(number))).toEqual(all.map(({ name }) => name.toLowerCase()));
  });

  it('stand in order without a gap', () => {
    expect(all.map(({ number }) => number)).toEqual(all.map((_, n) => n));
  });

  it('have fields that fill them, where they have any', () => {
    for (const { name, bits, fields } of all) expect(() => checkFields(name, fields, bits - 1), name).not.toThrow();
    expect(all.filter(({ fields }) => fields.length > 0).map(({ name }) => name)).toEqual(['CPSR', 'FPSR', 'FPCR']);
  });

  it('tell their roles and DWARF numbers', () => {
    const roles = Object.fromEntries(all.flatMap(({ name, role }) => (role ? [[role, name]] : [])));
    expect(roles).toMatchObject({ pc: 'PC', sp: 'SP', fp: 'X29', ra: 'X30', flags: 'CPSR', arg1: 'X0', arg8: 'X7' });
    const dwarf = all.flatMap((register) => register.dwarf ?? []);
    expect(new Set(dwarf).size).toBe(dwarf.length);
    expect(simdRegisters[31]).toMatchObject({ name: 'V31', number: 65, dwarf: 95 });
  });

  it('keep the bits of PSTATE where exception entry and the views of PSTATE have them', () => {
    const cpsr = new Map(generalRegisters[33].fields.map(({ name, high, low }) => [name, mask(high, low)]));
    for (const name of ['PAN', 'SS', 'IL', 'D', 'A', 'I', 'F', 'M'] as const)
      expect(cpsr.get(name)).toBe(BigInt(Pstate[name]));
    const views = systemRegisters.filter(({ pstate }) => pstate);
    expect(views.map(({ name }) => name)).toContain('NZCV');
    for (const { name, fields } of views)
      for (const field of fields.filter(({ kind }) => kind === 'field')) {
        const bits = mask(field.high, field.low);
        if (name === 'CurrentEL' || name === 'SPSel') expect(cpsr.get('M')! & bits, name).toBe(bits);
        else expect(cpsr.get(field.name), name).toBe(bits);
      }
  });
});
