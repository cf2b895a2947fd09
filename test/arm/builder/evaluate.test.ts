import { beforeAll, describe, expect, it } from 'vitest';
import { executeWord } from '../../../src/arm/index.ts';
import { assemble } from '../a64/assemble.ts';
import { flagsOf, flagsText, SmallMachine } from './machine.ts';

/** Registers by name (x0 ... x30, sp), flags as `nZCv`, memory at 0x8000 as one little-endian number of 16 bytes. */
interface State {
  readonly flags?: string;
  readonly memory?: bigint;
  readonly pc?: bigint;
  readonly sp?: bigint;
  readonly [register: `x${number}`]: bigint;
}
/** What is executed, what is there before, and everything that is different afterwards (pc if it is not the next). */
type Row = readonly [asm: string, before: State, changes: State];

const minusOne = 0xffff_ffff_ffff_ffffn;
const lowest = 0x8000_0000_0000_0000n;
const memory = 0x8000n;
const pattern = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff80n;

const groups: Readonly<Record<string, readonly Row[]>> = {
  'additions and subtractions': [
    ['add x0, x1, #0xfff, lsl #12', { x1: 1n }, { x0: 0xff_f001n }],
    ['add w0, w1, w2', { x1: minusOne, x2: 1n }, { x0: 0n }],
    ['adds w0, w1, w2', { x0: 1n, x1: 0x7fff_ffffn, x2: 1n }, { x0: 0x8000_0000n, flags: 'NzcV' }],
    ['adds x0, x1, x2', { x0: 1n, x1: minusOne, x2: 1n }, { x0: 0n, flags: 'nZCv' }],
    ['adds x0, x1, x2', { x1: lowest, x2: lowest }, { x0: 0n, flags: 'nZCV' }],
    ['subs x0, x1, x2', { x1: 0n, x2: 1n }, { x0: minusOne, flags: 'Nzcv' }],
    ['subs w0, w1, w2', { x1: 0x8000_0000n, x2: 1n }, { x0: 0x7fff_ffffn, flags: 'nzCV' }],
    ['cmp x1, x1', { x1: 7n }, { flags: 'nZCv' }],
    ['cmn x1, #1', { x1: minusOne }, { flags: 'nZCv' }],
    ['negs x0, x1', { x1: lowest }, { x0: lowest, flags: 'NzcV' }],
    ['sub sp, sp, #16', { sp: 0x100n }, { sp: 0xf0n }],
    ['add x0, sp, w1, sxtw #3', { sp: 0x100n, x1: 0xffff_fff0n }, { x0: 0x80n }],
    ['add x0, x1, w2, uxtb #4', { x1: 1n, x2: 0xfff0n }, { x0: 0xf01n }],
    ['add w0, w1, w2, sxth', { x1: 1n, x2: 0xffffn }, { x0: 0n }],
    ['sub x0, x1, x2, asr #63', { x1: 5n, x2: lowest }, { x0: 6n }],
    ['add w0, w1, w2, lsr #31', { x1: 5n, x2: minusOne }, { x0: 6n }],
  ],
  'with carry': [
    ['adc x0, x1, x2', { x1: 1n, x2: 2n, flags: 'nzCv' }, { x0: 4n }],
    ['adcs w0, w1, w2', { x1: 0xffff_ffffn, x2: 0xffff_ffffn, flags: 'nzCv' }, { x0: 0xffff_ffffn, flags: 'NzCv' }],
    ['adcs x0, x1, x2', { x1: minusOne, x2: 0n, flags: 'nzCv' }, { flags: 'nZCv' }],
    ['adcs x0, x1, x2', { x1: minusOne >> 1n, x2: 0n, flags: 'nzCv' }, { x0: lowest, flags: 'NzcV' }],
    ['sbcs x0, x1, x2', { x1: 5n, x2: 5n, flags: 'nzcv' }, { x0: minusOne, flags: 'Nzcv' }],
    ['sbcs x0, x1, x2', { x1: 5n, x2: 5n, flags: 'nzCv' }, { flags: 'nZCv' }],
    ['sbcs w0, w1, w2', { x1: 0x8000_0000n, x2: 0n, flags: 'nzcv' }, { x0: 0x7fff_ffffn, flags: 'nzCV' }],
    ['ngc x0, x1', { x1: 0n, flags: 'nzcv' }, { x0: minusOne }],
  ],
  'logic and moves': [
    ['and x0, x1, #0xff00ff00ff00ff00', { x1: minusOne }, { x0: 0xff00_ff00_ff00_ff00n }],
    ['ands w0, w1, #0x80000001', { x1: minusOne, flags: 'NZCV' }, { x0: 0x8000_0001n, flags: 'Nzcv' }],
    ['tst x1, #1', { x1: 2n, flags: 'NzCV' }, { flags: 'nZcv' }],
    ['orr sp, x1, #1', { x1: 0x20n }, { sp: 0x21n }],
    ['bics w0, w1, w2, ror #4', { x1: 0xffff_ffffn, x2: 0xfn }, { x0: 0x0fff_ffffn, flags: 'nzcv' }],
    ['orn x0, xzr, x1', { x1: 0n }, { x0: minusOne }],
    ['eon w0, w1, w1', { x1: 5n }, { x0: 0xffff_ffffn }],
    ['movn x0, #1, lsl #48', {}, { x0: 0xfffe_ffff_ffff_ffffn }],
    ['movn w0, #0', {}, { x0: 0xffff_ffffn }],
    ['movz x0, #0xffff, lsl #48', {}, { x0: 0xffff_0000_0000_0000n }],
    ['movk x0, #0xabcd, lsl #48', { x0: minusOne }, { x0: 0xabcd_ffff_ffff_ffffn }],
    ['movk w0, #0xabcd', { x0: minusOne }, { x0: 0xffff_abcdn }],
    ['adr x0, .-1', {}, { x0: 0xfffn }],
    ['.inst 0x90000020 // adrp x0, .+4 pages', {}, { x0: 0x5000n }],
  ],
  'bit fields': [
    ['lsl x0, x1, #63', { x1: 3n }, { x0: lowest }],
    ['lsr w0, w1, #31', { x1: minusOne }, { x0: 1n }],
    ['asr x0, x1, #63', { x1: lowest }, { x0: minusOne }],
    ['asr w0, w1, #0', { x1: minusOne }, { x0: 0xffff_ffffn }],
    ['sxtb x0, w1', { x1: 0x180n }, { x0: 0xffff_ffff_ffff_ff80n }],
    ['sxtw x0, w1', { x1: 0x8000_0000n }, { x0: 0xffff_ffff_8000_0000n }],
    ['uxth w0, w1', { x1: minusOne }, { x0: 0xffffn }],
    ['ubfx x0, x1, #60, #4', { x1: 0xf000_0000_0000_0001n }, { x0: 15n }],
    ['sbfx w0, w1, #4, #4', { x1: 0x80n }, { x0: 0xffff_fff8n }],
    ['ubfiz x0, x1, #60, #4', { x1: 0x1fn }, { x0: 0xf000_0000_0000_0000n }],
    ['sbfiz x0, x1, #8, #8', { x1: 0x80n }, { x0: 0xffff_ffff_ffff_8000n }],
    ['bfi x0, x1, #8, #8', { x0: minusOne, x1: 0x12n }, { x0: 0xffff_ffff_ffff_12ffn }],
    ['bfi w0, w1, #31, #1', { x0: minusOne, x1: 0n }, { x0: 0x7fff_ffffn }],
    ['bfxil x0, x1, #56, #8', { x0: minusOne, x1: 0x12ff_ffff_ffff_ffffn }, { x0: 0xffff_ffff_ffff_ff12n }],
    ['bfxil x0, x1, #0, #64', { x0: minusOne, x1: 5n }, { x0: 5n }],
    ['extr x0, x1, x2, #4', { x1: 0xfn, x2: 0x10n }, { x0: 0xf000_0000_0000_0001n }],
    ['extr w0, w1, w2, #31', { x1: 1n, x2: 0x8000_0000n }, { x0: 3n }],
    ['extr x0, x1, x2, #0', { x1: 1n, x2: 2n }, { x0: 2n }],
    ['ror w0, w1, #1', { x1: 1n }, { x0: 0x8000_0000n }],
  ],
  'shifts by register': [
    ['lsl x0, x1, x2', { x1: 1n, x2: 64n }, { x0: 1n }],
    ['lsl w0, w1, w2', { x1: 1n, x2: 33n }, { x0: 2n }],
    ['lsr x0, x1, x2', { x1: lowest, x2: 0x7fn }, { x0: 1n }],
    ['asr w0, w1, w2', { x1: 0x8000_0000n, x2: 31n }, { x0: 0xffff_ffffn }],
    ['ror x0, x1, x2', { x1: 1n, x2: 1n }, { x0: lowest }],
    ['ror w0, w1, w2', { x1: 0x1234_5678n, x2: 32n }, { x0: 0x1234_5678n }],
  ],
  'products and quotients': [
    ['madd x0, x1, x2, x3', { x1: minusOne, x2: 3n, x3: 5n }, { x0: 2n }],
    ['msub w0, w1, w2, w3', { x1: 3n, x2: 4n, x3: 5n }, { x0: 0xffff_fff9n }],
    ['smull x0, w1, w2', { x1: 0xffff_ffffn, x2: 0x7fff_ffffn }, { x0: 0xffff_ffff_8000_0001n }],
    ['umsubl x0, w1, w2, x3', { x1: 0xffff_ffffn, x2: 0xffff_ffffn, x3: 0n }, { x0: 0x1_ffff_ffffn }],
    ['umulh x0, x1, x2', { x1: minusOne, x2: minusOne }, { x0: 0xffff_ffff_ffff_fffen }],
    ['umulh x0, x1, x2', { x1: 0x1_0000_0001n, x2: 0xffff_ffff_ffff_ffffn }, { x0: 0x1_0000_0000n }],
    ['smulh x0, x1, x2', { x0: 1n, x1: minusOne, x2: minusOne }, { x0: 0n }],
    ['smulh x0, x1, x2', { x1: lowest, x2: lowest }, { x0: 0x4000_0000_0000_0000n }],
    ['smulh x0, x1, x2', { x1: lowest, x2: 1n }, { x0: minusOne }],
    ['udiv x0, x1, x2', { x1: minusOne, x2: 10n }, { x0: 0x1999_9999_9999_9999n }],
    ['udiv w0, w1, w2', { x0: 1n, x1: 7n, x2: 0x1_0000_0000n }, { x0: 0n }],
    ['sdiv x0, x1, x2', { x0: 1n, x1: 7n, x2: 0n }, { x0: 0n }],
    ['sdiv x0, x1, x2', { x1: lowest, x2: minusOne }, { x0: lowest }],
    ['sdiv w0, w1, w2', { x1: 0x8000_0000n, x2: 0xffff_ffffn }, { x0: 0x8000_0000n }],
    ['sdiv w0, w1, w2', { x1: 0xffff_fff9n, x2: 2n }, { x0: 0xffff_fffdn }],
  ],
  'single operands': [
    ['clz x0, x1', { x1: 0n }, { x0: 64n }],
    ['clz w0, w1', { x1: 0x1_0000_0001n }, { x0: 31n }],
    ['cls x0, x1', { x1: minusOne }, { x0: 63n }],
    ['cls w0, w1', { x1: 0xf000_0000n }, { x0: 3n }],
    ['rbit x0, x1', { x1: 0x1122_3344_5566_7788n }, { x0: 0x11ee_66aa_22cc_4488n }],
    ['rbit w0, w1', { x1: 1n }, { x0: 0x8000_0000n }],
    ['rev x0, x1', { x1: 0x1122_3344_5566_7788n }, { x0: 0x8877_6655_4433_2211n }],
    ['rev32 x0, x1', { x1: 0x1122_3344_5566_7788n }, { x0: 0x4433_2211_8877_6655n }],
    ['rev16 x0, x1', { x1: 0x1122_3344_5566_7788n }, { x0: 0x2211_4433_6655_8877n }],
    ['rev w0, w1', { x1: 0x5566_7788n }, { x0: 0x8877_6655n }],
    ['rev16 w0, w1', { x1: 0x5566_7788n }, { x0: 0x6655_8877n }],
  ],
  // CRC-32 and CRC-32C of "123456789" are cbf43926 and e3069283, which begin with and end in an inversion.
  checksums: [
    ['crc32x w0, w1, x2', { x1: 0xffff_ffffn, x2: 0x3837_3635_3433_3231n }, { x0: 0x651f_2550n }],
    ['crc32b w0, w1, w2', { x1: 0x651f_2550n, x2: 0xab39n }, { x0: 0xcbf4_3926n ^ 0xffff_ffffn }],
    ['crc32cw w0, w1, w2', { x1: 0xffff_ffffn, x2: 0x3433_3231n }, { x0: 0x09c5_0b11n }],
    ['crc32ch w0, w1, w2', { x1: 0x09c5_0b11n, x2: 0x3635n }, { x0: 0xbeca_8e79n }],
    ['crc32ch w0, w1, w2', { x1: 0xbeca_8e79n, x2: 0xff_3837n }, { x0: 0x9f78_7f65n }],
    ['crc32cb w0, w1, w2', { x1: 0x9f78_7f65n, x2: 0x39n }, { x0: 0xe306_9283n ^ 0xffff_ffffn }],
  ],
  conditions: [
    ['csel x0, x1, x2, hi', { x1: 1n, x2: 2n, flags: 'nzCv' }, { x0: 1n }],
    ['csel x0, x1, x2, hi', { x1: 1n, x2: 2n, flags: 'nZCv' }, { x0: 2n }],
    ['csinc w0, w1, w2, lt', { x1: 1n, x2: 0xffff_ffffn, x0: 9n, flags: 'NzcV' }, { x0: 0n }],
    ['csinv x0, x1, x2, gt', { x1: 1n, x2: 0n, flags: 'nZcv' }, { x0: minusOne }],
    ['csneg x0, x1, x2, le', { x1: 1n, x2: 5n, flags: 'nzcv' }, { x0: 0xffff_ffff_ffff_fffbn }],
    ['.inst 0x9a82f020 // csel x0, x1, x2, nv', { x1: 1n, x2: 2n }, { x0: 1n }],
    ['ccmp x1, x2, #5, eq', { x1: 1n, x2: 2n, flags: 'nZcv' }, { flags: 'Nzcv' }],
    ['ccmp x1, x2, #5, eq', { x1: 1n, x2: 2n, flags: 'nzcv' }, { flags: 'nZcV' }],
    ['ccmn w1, #1, #0, ne', { x1: 0xffff_ffffn }, { flags: 'nZCv' }],
    ['ccmp x1, #0, #0, al', { x1: 0n }, { flags: 'nZCv' }],
  ],
  branches: [
    ['b .-4', {}, { pc: 0xffcn }],
    ['bl .+8', {}, { pc: 0x1008n, x30: 0x1004n }],
    ['b.ge .+16', { flags: 'NzcV' }, { pc: 0x1010n }],
    ['b.ge .+16', { flags: 'nzcV' }, {}],
    ['cbz w1, .+16', { x1: 0x1_0000_0000n }, { pc: 0x1010n }],
    ['cbnz x1, .+16', { x1: 0x1_0000_0000n }, { pc: 0x1010n }],
    ['tbz x1, #63, .+16', { x1: minusOne >> 1n }, { pc: 0x1010n }],
    ['tbnz w1, #31, .+16', { x1: 0x8000_0000n }, { pc: 0x1010n }],
    ['br x1', { x1: 0xdead_0001n }, { pc: 0xdead_0001n }],
    ['blr x30', { x30: 0x2000n }, { pc: 0x2000n, x30: 0x1004n }],
    ['ret', { x30: 0x2000n }, { pc: 0x2000n }],
    ['br xzr', {}, { pc: 0n }],
  ],
  'loads and stores': [
    ['ldr x0, [x1]', { x1: memory, memory: pattern }, { x0: 0x99aa_bbcc_ddee_ff80n }],
    ['ldrb w0, [x1]', { x1: memory, memory: pattern }, { x0: 0x80n }],
    ['ldrsb w0, [x1]', { x1: memory, memory: pattern }, { x0: 0xffff_ff80n }],
    ['ldrsb x0, [x1]', { x1: memory, memory: pattern }, { x0: 0xffff_ffff_ffff_ff80n }],
    ['ldrsh w0, [x1]', { x1: memory, memory: pattern }, { x0: 0xffff_ff80n }],
    ['ldrsh x0, [x1, #6]', { x1: memory, memory: pattern }, { x0: 0xffff_ffff_ffff_99aan }],
    ['ldrsw x0, [x1, #4]', { x1: memory, memory: pattern }, { x0: 0xffff_ffff_99aa_bbccn }],
    ['ldrsw x0, [x1], #-8', { x1: memory, memory: pattern }, { x0: 0xffff_ffff_ddee_ff80n, x1: 0x7ff8n }],
    ['ldr w0, [x1, #4]!', { x1: memory, memory: pattern }, { x0: 0x99aa_bbccn, x1: 0x8004n }],
    ['ldur x0, [x1, #-1]', { x1: 0x8002n, memory: pattern }, { x0: 0x8899_aabb_ccdd_eeffn }],
    ['ldr w0, [x1, w2, sxtw #2]', { x1: 0x8008n, x2: 0xffff_fffen, memory: pattern }, { x0: 0xddee_ff80n }],
    ['ldrh w0, [x1, x2]', { x1: memory, x2: 14n, memory: pattern }, { x0: 0x1122n }],
    ['ldrb w0, [x1, w2, uxtw]', { x1: memory, x2: 0x1_0000_0001n, memory: pattern }, { x0: 0xffn }],
    ['ldr x0, .+0x7000', { memory: pattern }, { x0: 0x99aa_bbcc_ddee_ff80n }],
    ['ldrsw x0, .+0x7004', { memory: pattern }, { x0: 0xffff_ffff_99aa_bbccn }],
    ['ldp w0, w1, [x2]', { x2: memory, memory: pattern }, { x0: 0xddee_ff80n, x1: 0x99aa_bbccn }],
    ['ldpsw x0, x1, [x2]', { x2: memory, memory: pattern }, { x0: 0xffff_ffff_ddee_ff80n, x1: 0xffff_ffff_99aa_bbccn }],
    [
      'ldp x0, x1, [sp], #32',
      { sp: memory, memory: pattern },
      { x0: pattern & minusOne, x1: pattern >> 64n, sp: 0x8020n },
    ],
    ['ldnp x0, x1, [x2]', { x2: memory, memory: pattern }, { x0: pattern & minusOne, x1: pattern >> 64n }],
    ['ldr xzr, [x1]', { x1: memory, memory: pattern }, {}],
    ['str x0, [x1], #8', { x0: 5n, x1: memory, memory: 0n }, { memory: 5n, x1: 0x8008n }],
    ['strb w0, [x1, #15]', { x0: 0x155n, x1: memory, memory: 0n }, { memory: 0x55n << 120n }],
    ['strh wzr, [x1, #1]', { x1: memory, memory: pattern }, { memory: pattern & ~0xff_ff00n }],
    ['stp x0, xzr, [sp, #-16]!', { x0: 7n, sp: 0x8010n, memory: pattern }, { memory: 7n, sp: memory }],
    [
      'stp w0, w1, [x2, #8]',
      { x0: 1n, x1: minusOne, x2: memory, memory: 0n },
      { memory: 0xffff_ffff_0000_0001n << 64n },
    ],
    ['ldtr x0, [x1]', { x1: memory, memory: pattern }, { x0: pattern & minusOne }],
    ['ldar w0, [x1]', { x1: memory, memory: pattern }, { x0: 0xddee_ff80n }],
    ['stlrh w0, [x1]', { x0: 0x1_1234n, x1: memory, memory: 0n }, { memory: 0x1234n }],
    ['prfm pldl1keep, [x1]', { x1: 0n }, {}],
  ],
  'CONSTRAINED UNPREDICTABLE, as QEMU': [
    ['.inst 0xf8408421 // ldr x1, [x1], #8', { x1: memory, memory: pattern }, { x1: 0x8008n }],
    ['.inst 0xf8008c21 // str x1, [x1, #8]!', { x1: memory, memory: 0n }, { memory: memory << 64n, x1: 0x8008n }],
    ['.inst 0xa9400000 // ldp x0, x0, [x0]', { x0: memory, memory: pattern }, { x0: pattern & minusOne }],
    ['.inst 0xa8c10440 // ldp x0, x1, [x2], #16', { x2: memory, memory: 0n }, { x2: 0x8010n }],
    [
      '.inst 0xa8c10422 // ldp x2, x1, [x1], #16',
      { x1: memory, memory: pattern },
      { x2: pattern & minusOne, x1: 0x8010n },
    ],
    ['.inst 0xc87f0020 // ldxp x0, x0, [x1]', { x1: memory, memory: pattern }, { x0: pattern >> 64n }],
  ],
  atomics: [
    ['ldadd x0, x1, [x2]', { x0: 1n, x2: memory, memory: minusOne }, { x1: minusOne, memory: 0n }],
    ['ldaddb w0, w1, [x2]', { x0: 1n, x2: memory, memory: 0xffffn }, { x1: 0xffn, memory: 0xff00n }],
    ['ldclr w0, w1, [x2]', { x0: 0xfn, x2: memory, memory: 0xffn }, { x1: 0xffn, memory: 0xf0n }],
    ['ldeoral x0, x1, [x2]', { x0: 0xffn, x2: memory, memory: 0xfn }, { x1: 0xfn, memory: 0xf0n }],
    ['stset w0, [x2]', { x0: 0xf0n, x2: memory, memory: 0xfn }, { memory: 0xffn }],
    ['ldsmaxb w0, w1, [x2]', { x0: 0x1_017fn, x2: memory, memory: 0x80n }, { x1: 0x80n, memory: 0x7fn }],
    ['ldsminh w0, w1, [x2]', { x0: 0x7fffn, x2: memory, memory: 0x8000n }, { x1: 0x8000n }],
    ['ldumaxb w0, w1, [x2]', { x0: 0x17fn, x2: memory, memory: 0x80n }, { x1: 0x80n }],
    ['lduminh w0, w1, [x2]', { x0: 0xf_7fffn, x2: memory, memory: 0x8000n }, { x1: 0x8000n, memory: 0x7fffn }],
    ['ldsmax x0, x1, [x2]', { x0: 0n, x2: memory, memory: lowest }, { x1: lowest, memory: 0n }],
    ['swph w0, w0, [x2]', { x0: 0x1_2345n, x2: memory, memory: 0xffffn }, { x0: 0xffffn, memory: 0x2345n }],
    ['cas x0, x1, [x2]', { x0: 5n, x1: 6n, x2: memory, memory: 5n }, { memory: 6n }],
    ['cas x0, x1, [x2]', { x0: 5n, x1: 6n, x2: memory, memory: 7n }, { x0: 7n }],
    ['casab w0, w1, [x2]', { x0: 0xf05n, x1: 6n, x2: memory, memory: 5n }, { x0: 5n, memory: 6n }],
    [
      'casp x0, x1, x2, x3, [x4]',
      { x0: pattern & minusOne, x1: pattern >> 64n, x2: 1n, x3: 2n, x4: memory, memory: pattern },
      { memory: (2n << 64n) | 1n },
    ],
    ['casp w0, w1, w2, w3, [x4]', { x0: 1n, x1: 2n, x2: 3n, x3: 4n, x4: memory, memory: 5n }, { x0: 5n, x1: 0n }],
    ['.inst 0x483e7c80 // casp x30, xzr, x0, x1, [x4]', { x4: memory, memory: (9n << 64n) | 1n }, { x30: 1n }],
  ],
  'system registers': [
    ['mrs x0, nzcv', { flags: 'NzCv' }, { x0: 0xa000_0000n }],
    ['msr nzcv, x0', { x0: 0xffff_ffff_5fff_ffffn, flags: 'NzCv' }, { flags: 'nZcV' }],
    ['nop', {}, {}],
    ['dmb ish', {}, {}],
    ['isb', {}, {}],
    ['hint #25', { x30: 1n }, {}],
  ],
};

const slotOf = (name: string) => (name === 'sp' ? 32 : Number(name.slice(1)));

function machineOf({ flags, memory: bytes, pc, ...registers }: State): SmallMachine {
  const machine = new SmallMachine();
  for (const [name, value] of Object.entries(registers)) machine.x[slotOf(name)] = value;
  machine.nzcv = flagsOf(flags ?? 'nzcv');
  if (bytes !== undefined) machine.poke(memory, 16, bytes);
  return machine;
}

function stateOf(machine: SmallMachine): State {
  const registers = Array.from(machine.x, (value, slot) => [slot === 32 ? 'sp' : `x${slot}`, value] as const);
  return {
    ...Object.fromEntries(registers.filter(([, value]) => value !== 0n)),
    flags: flagsText(machine.nzcv),
    memory: machine.peek(memory, 16),
    pc: machine.pc,
  };
}

describe.each(Object.entries(groups))('%s', (_title, rows) => {
  let words: number[];
  beforeAll(() => {
    words = assemble(rows.map(([asm]) => asm));
  });
  it.each(rows.map(([asm, before, changes], index) => ({ asm, before, changes, index })))(
    '$asm',
    ({ before, changes, index }) => {
      const machine = machineOf(before);
      expect(executeWord(words[index], machine)).toEqual({ kind: 'done' });
      const wanted = machineOf({ ...before, ...changes });
      wanted.pc = changes.pc ?? 0x1004n;
      expect(stateOf(machine)).toEqual(stateOf(wanted));
    },
  );
});

describe('exclusives', () => {
  /** Carries the lines out one by one, with 16 bytes of memory at [x1]. */
  function run(lines: readonly string[], before: State = {}): SmallMachine {
    const machine = machineOf({ x1: memory, memory: pattern, ...before });
    for (const word of assemble(lines)) expect(executeWord(word, machine).kind).toBe('done');
    return machine;
  }

  it.each([
    ['ldxr x0, [x1]', 'stxr w2, x3, [x1]', (pattern & ~minusOne) | 5n],
    ['ldaxr w0, [x1]', 'stlxr w2, w3, [x1]', (pattern & ~0xffff_ffffn) | 5n],
    ['ldxrh w0, [x1]', 'stxrh w2, w3, [x1]', (pattern & ~0xffffn) | 5n],
    ['ldaxrb w0, [x1]', 'stlxrb w2, w3, [x1]', (pattern & ~0xffn) | 5n],
    ['ldxp x0, x4, [x1]', 'stxp w2, x3, xzr, [x1]', 5n],
    ['ldaxp w0, w4, [x1]', 'stlxp w2, w3, wzr, [x1]', (pattern & ~minusOne) | 5n],
  ])('%s, %s store, once', (load, store, expected) => {
    const machine = run([load, store], { x3: 5n, x2: 9n });
    expect(machine.x[2]).toBe(0n);
    expect(machine.peek(memory, 16)).toBe(expected);
    const again = run([load, store, 'mov x3, #6', store], { x3: 5n });
    expect(again.x[2]).toBe(1n);
    expect(again.peek(memory, 16)).toBe(expected);
  });

  it.each([
    ['no load', []],
    ['CLREX', ['ldxr x0, [x1]', 'clrex']],
    ['another address', ['ldxr x0, [x1]', 'add x1, x1, #8']],
    ['another size', ['ldxr w0, [x1]']],
    ['a pair loaded', ['ldxp x0, x4, [x1]']],
    ['a value changed meanwhile', ['ldxr x0, [x1]', 'strb wzr, [x1, #1]']],
  ])('a store fails after %s', (_why, lines) => {
    const machine = run([...lines, 'stxr w2, x3, [x1]'], { x3: 5n });
    expect(machine.x[2]).toBe(1n);
    expect(machine.peek(memory, 8)).not.toBe(5n);
  });

  it('touch no memory when the monitor is open', () => {
    const machine = machineOf({ x1: 0n });
    const [word] = assemble(['stxr w2, x3, [x1]']);
    expect(executeWord(word, machine).kind).toBe('done');
    expect(machine.accesses).toEqual([]);
    expect(machine.x[2]).toBe(1n);
  });

  it('ask for permission to write before they compare', () => {
    const machine = run(['ldxr x0, [x1]', 'stxr w2, x3, [x1]']);
    expect(machine.accesses).toEqual(['load 1 8 exclusive', 'load 1 8 atomic', 'store 1 8 exclusive']);
  });

  it('store what a register held before the status came into it', () => {
    const machine = run(['ldxr x0, [x1]', '.inst 0xc8037c23 // stxr w3, x3, [x1]'], { x3: 5n });
    expect([machine.x[3], machine.peek(memory, 8)]).toEqual([0n, 5n]);
  });
});

describe('an instruction that faults', () => {
  it.each([
    ['ldr x0, [x1], #8', { x1: 0x7ffcn }],
    ['str x0, [x1, #8]!', { x1: 0x8001n }],
    ['ldp x0, x1, [x1], #16', { x1: 0x8001n }],
    ['stp x0, x1, [x1, #8]!', { x1: 0x8001n }],
    ['ldxr x0, [x1]', { x1: 0n }],
    ['ldadd x0, x1, [x1]', { x1: 0n }],
    ['ldr x0, [sp], #8', { sp: 0x8008n }],
    ['str x0, [sp]', { sp: 0x8008n }],
  ])('%s changes nothing', (asm, before: State) => {
    const machine = machineOf({ x0: 5n, memory: pattern, ...before });
    const wanted = stateOf(machine);
    const [word] = assemble([asm]);
    expect(executeWord(word, machine)).toEqual({ kind: 'fault' });
    expect(stateOf(machine)).toEqual(wanted);
    expect(machine.exclusive.exclusiveAddress).toBe(~0n);
  });

  it('does not check SP where SP is no base, nor for a prefetch', () => {
    for (const asm of ['add x0, sp, #1', 'prfm pldl1keep, [sp]', 'ldr x0, [x1]']) {
      const machine = machineOf({ sp: 8n, x1: memory, memory: 0n });
      expect(executeWord(assemble([asm])[0], machine).kind).toBe('done');
    }
  });
});

describe('what the CPU is left with', () => {
  it.each([
    ['svc #0xffff', { kind: 'raise', raise: 'svc', immediate: 0xffff }],
    ['hvc #1', { kind: 'raise', raise: 'hvc', immediate: 1 }],
    ['smc #2', { kind: 'raise', raise: 'smc', immediate: 2 }],
    ['brk #3', { kind: 'raise', raise: 'brk', immediate: 3 }],
    ['hlt #4', { kind: 'raise', raise: 'hlt', immediate: 4 }],
    ['udf #5', { kind: 'raise', raise: 'undefined', immediate: 5 }],
    ['.inst 0x00ffffff', { kind: 'raise', raise: 'undefined', immediate: 0 }],
    ['eret', { kind: 'system', word: 0xd69f03e0 }],
    ['wfi', { kind: 'system', word: 0xd503207f }],
    ['dc zva, x0', { kind: 'system', word: 0xd50b7420 }],
    ['msr daifset, #2', { kind: 'system', word: 0xd50342df }],
    ['mrs x0, sctlr_el1', { kind: 'system', word: 0xd5381000 }],
    ['msr s3_3_c0_c0_1, x0', { kind: 'system', word: 0xd51b0020 }],
  ])('%s', (asm, outcome) => {
    const machine = machineOf({ x0: 5n });
    const before = stateOf(machine);
    expect(executeWord(assemble([asm])[0], machine)).toEqual(outcome);
    // A word that the CPU carries out finds the next pc set; an exception finds its own.
    expect(stateOf(machine)).toEqual({ ...before, pc: outcome.kind === 'system' ? 0x1004n : 0x1000n });
  });

  it('SIMD and floating-point instructions where they are trapped', () => {
    const machine = Object.assign(machineOf({ x0: 5n }), { simdTrapped: true });
    const before = stateOf(machine);
    for (const word of assemble(['ldr q0, [x0]', 'stp d0, d1, [sp]']))
      expect(executeWord(word, machine)).toEqual({ kind: 'raise', raise: 'simdAccess', immediate: 0 });
    expect(stateOf(machine)).toEqual(before);
  });

  it('not with a system register that is plain', () => {
    const machine = machineOf({ x0: 5n });
    for (const word of assemble(['msr vbar_el1, x0', 'mrs x1, vbar_el1', 'mrs x2, ctr_el0']))
      expect(executeWord(word, machine).kind).toBe('done');
    expect([machine.system.get(8), machine.x[1], machine.x[2]]).toEqual([5n, 5n, 0n]);
  });
});
