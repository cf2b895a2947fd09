/** The SIMD and floating-point registers as debuggers know them. */
import { type GeneralRegister, lowHalf } from './core.ts';
import { FPCR, FPSR } from './system/special.ts';

export const simdRegisters: readonly GeneralRegister[] = [
  ...Array.from({ length: 32 }, (_, n) => ({
    name: `V${n}`,
    number: 34 + n,
    title: `SIMD and Floating-point Register ${n}`,
    bits: 128 as const,
    group: 'vector' as const,
    fields: [],
    dwarf: 64 + n,
  })),
  ...[FPSR, FPCR].map(({ name, title, fields }, n) => ({
    name,
    number: 66 + n,
    title,
    bits: 32 as const,
    group: 'float' as const,
    fields: lowHalf(fields),
  })),
];
