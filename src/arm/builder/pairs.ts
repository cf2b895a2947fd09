/**
 * Pairs of instructions that often follow each other: each has a handler that carries out both. A pair stands for all
 * words of the same two shapes.
 *
 * They are those that compiled C ran most often, of sorting, hashing, scanning, copying, calls, SHA-256, interpreters and
 * a thousand small functions; and every condition after a comparison. What the table holds decides about speed alone.
 */
export type Pair = readonly [first: number, second: number];

/** Every condition after a comparison of doubles. */
const comparedDoubles: readonly Pair[] = [0, 1, 4, 5, 8, 9, 10, 11, 12, 13].flatMap((cond): Pair[] => [
  [0x1e622020, 0x54000000 | cond], // fcmp d1, d2; b.<cond>
  [0x1e622030, 0x54000000 | cond], // fcmpe d1, d2; b.<cond>
]);

/** Sums, differences and products of doubles in a row. */
const arithmetic = [0x1e622820, 0x1e623820, 0x1e620820]; // fadd, fsub, fmul d0, d1, d2
const doublesInRow: readonly Pair[] = arithmetic.flatMap((first) => arithmetic.map((second): Pair => [first, second]));

const floatingPoint: readonly Pair[] = [
  ...comparedDoubles,
  ...doublesInRow,
  [0x1f420c20, 0x1f420c20], // fmadd d0, d1, d2, d3; the same
  [0xfc617800, 0x1f420c20], // ldr d0, [x0, x1, lsl #3]; fmadd d0, d1, d2, d3
  [0xfc408420, 0x1f420c20], // ldr d0, [x1], #8; fmadd d0, d1, d2, d3
  [0xfd400420, 0x1e622820], // ldr d0, [x1, #8]; fadd d0, d1, d2
  [0xfd400420, 0x1e620820], // ldr d0, [x1, #8]; fmul d0, d1, d2
  [0x1e622820, 0xfd000420], // fadd d0, d1, d2; str d0, [x1, #8]
  [0x4e20cc82, 0x4e20cc82], // fmla v2.4s, v4.4s, v0.4s; the same
  [0x4f801082, 0x4f801082], // fmla v2.4s, v4.4s, v0.s[0]; the same
  [0x4e60cc82, 0x4e60cc82], // fmla v2.2d, v4.2d, v0.2d; the same
];

export const commonPairs: readonly Pair[] = [
  ...floatingPoint,
  [0x0b010000, 0x0b1e0000], // add w0, w0, w1; add w0, w0, w30
  [0x0b1e0000, 0xb9003860], // add w0, w0, w30; str w0, [x3, #56]
  [0x11018441, 0x12001c21], // add w1, w2, #0x61; and w1, w1, #0xff
  [0x0b010061, 0xb90043e1], // add w1, w3, w1; str w1, [sp, #64]
  [0x0b1201ce, 0x0a020000], // add w14, w14, w18; and w0, w0, w2
  [0x0b0e0063, 0x4ac25884], // add w3, w3, w14; eor w4, w4, w2, ror #22
  [0x0b0f0063, 0x910123e0], // add w3, w3, w15; add x0, sp, #0x48
  [0x0b010063, 0x13820844], // add w3, w3, w1; ror w4, w2, #2
  [0x0b021463, 0x4b020062], // add w3, w3, w2, lsl #5; sub w2, w3, w2
  [0x0b11009e, 0xb9400064], // add w30, w4, w17; ldr w4, [x3]
  [0x91000400, 0xb8430443], // add x0, x0, #0x1; ldr w3, [x2], #48
  [0x91000400, 0xf9000060], // add x0, x0, #0x1; str x0, [x3]
  [0x91008000, 0xa97f0c02], // add x0, x0, #0x20; ldp x2, x3, [x0, #-16]
  [0x91362000, 0xd2800002], // add x0, x0, #0xd88; mov x2, #0x0
  [0x8b130000, 0xf9400bf3], // add x0, x0, x19; ldr x19, [sp, #16]
  [0x8b030000, 0x54ffffa1], // add x0, x0, x3; b.ne
  [0x8b0002c0, 0xca130082], // add x0, x22, x0; eor x2, x4, x19
  [0x8b0000e0, 0x4ac12c84], // add x0, x7, x0; eor w4, w4, w1, ror #11
  [0x910123e1, 0x8b0202f7], // add x1, sp, #0x48; add x23, x23, x2
  [0x91002021, 0x92400442], // add x1, x1, #0x8; and x2, x2, #0x3
  [0x91002021, 0xb85fc003], // add x1, x1, #0x8; ldur w3, [x0, #-4]
  [0x910005ad, 0xb90033e2], // add x13, x13, #0x1; str w2, [sp, #48]
  [0x8b00010e, 0x8b0000e0], // add x14, x8, x0; add x0, x7, x0
  [0x8b020002, 0x1b060465], // add x2, x0, x2; madd w5, w3, w6, w1
  [0x91000442, 0x54ffff81], // add x2, x2, #0x1; b.ne
  [0x8b020842, 0xaa0503e3], // add x2, x2, x2, lsl #2; mov x3, x5
  [0x8b2288a2, 0xd61f0040], // add x2, x5, w2, sxtb #2; br x2
  [0x910002f7, 0xa90153f3], // add x23, x23, #0x0; stp x19, x20, [sp, #16]
  [0x8b060043, 0xf8217943], // add x3, x2, x6; str x3, [x10, x1, lsl #3]
  [0x91001063, 0x4a440c00], // add x3, x3, #0x4; eor w0, w0, w4, lsr #3
  [0x9100c0c6, 0x7100307f], // add x6, x6, #0x30; cmp w3, #0xc
  [0x910010c6, 0xb80044e1], // add x6, x6, #0x4; str w1, [x7], #4
  [0x8b0300c6, 0xeb04005f], // add x6, x6, x3; cmp x2, x4
  [0x9100c129, 0xeb0c00bf], // add x9, x9, #0x30; cmp x5, x12
  [0x10000065, 0x8b2288a2], // adr x5; add x2, x5, w2, sxtb #2
  [0xd000000b, 0x9100016b], // adrp x11; add x11, x11, #0x0
  [0x0a020000, 0x0a100221], // and w0, w0, w2; and w1, w17, w16
  [0x12001c21, 0x38001401], // and w1, w1, #0xff; strb w1, [x0], #1
  [0x12003c21, 0x1a810063], // and w1, w1, #0xffff; csel w3, w3, w1, eq
  [0x0a100221, 0x4ac23484], // and w1, w17, w16; eor w4, w4, w2, ror #13
  [0x0a0f002f, 0xb85fc012], // and w15, w1, w15; ldur w18, [x0, #-4]
  [0x12000822, 0xf100643f], // and w2, w1, #0x7; cmp x1, #0x19
  [0x12001ca5, 0x7100105f], // and w5, w5, #0xff; cmp w2, #0x4
  [0x92401c00, 0xb8607840], // and x0, x0, #0xff; ldr w0, [x2, x0, lsl #2]
  [0x927cec22, 0xcb411041], // and x2, x1, #0xfffffffffffffff0; sub x1, x2, x1, lsr #4
  [0x92400442, 0xb8627be2], // and x2, x2, #0x3; ldr w2, [sp, x2, lsl #2]
  [0x92400442, 0xb8227be3], // and x2, x2, #0x3; str w3, [sp, x2, lsl #2]
  [0x924008e4, 0xb0000580], // and x4, x7, #0x7; adrp x0
  [0x540001e0, 0xca051ca5], // b.eq; eor x5, x5, x5, lsl #7
  [0x54000160, 0x39400083], // b.eq; ldrb w3, [x4]
  [0x54fffd2c, 0xa9425bf5], // b.gt; ldp x21, x22, [sp, #32]
  [0x54000228, 0xb9400262], // b.hi; ldr w2, [x19]
  [0x54000062, 0xf800841f], // b.hs; str xzr, [x0], #8
  [0x540003ed, 0xa9025bf5], // b.le; stp x21, x22, [sp, #32]
  [0x54ffff63, 0x6b0e01bf], // b.lo; cmp w13, w14
  [0x540001c3, 0xa9be7bfd], // b.lo; stp x29, x30, [sp, #-32]!
  [0x54ffffa1, 0xb94033e2], // b.ne; ldr w2, [sp, #48]
  [0x0a210063, 0xb85fc1ce], // bic w3, w3, w1; ldur w14, [x14, #-4]
  [0xb40000e1, 0xaa1203e1], // cbz x1; mov x1, x18
  [0x7100041f, 0x54000040], // cmp w0, #0x1; b.eq
  [0x7100041f, 0x5400004a], // cmp w0, #0x1; b.ge
  [0x7100041f, 0x5400004c], // cmp w0, #0x1; b.gt
  [0x7100041f, 0x54000048], // cmp w0, #0x1; b.hi
  [0x7100041f, 0x54000042], // cmp w0, #0x1; b.hs
  [0x7100041f, 0x5400004d], // cmp w0, #0x1; b.le
  [0x7100041f, 0x54000043], // cmp w0, #0x1; b.lo
  [0x7100041f, 0x5400004b], // cmp w0, #0x1; b.lt
  [0x7100041f, 0x54000044], // cmp w0, #0x1; b.mi
  [0x7100041f, 0x54000045], // cmp w0, #0x1; b.pl
  [0x7100041f, 0x54000047], // cmp w0, #0x1; b.vc
  [0x7100041f, 0x54000046], // cmp w0, #0x1; b.vs
  [0x6b02001f, 0x54000089], // cmp w0, w2; b.ls
  [0x6b02003f, 0x54000040], // cmp w1, w2; b.eq
  [0x6b02003f, 0x5400004a], // cmp w1, w2; b.ge
  [0x6b02003f, 0x5400004c], // cmp w1, w2; b.gt
  [0x6b02003f, 0x5400004d], // cmp w1, w2; b.le
  [0x6b02003f, 0x5400004b], // cmp w1, w2; b.lt
  [0x6b02003f, 0x54000044], // cmp w1, w2; b.mi
  [0x6b02003f, 0x54000045], // cmp w1, w2; b.pl
  [0x6b02003f, 0x54000047], // cmp w1, w2; b.vc
  [0x6b02003f, 0x54000046], // cmp w1, w2; b.vs
  [0x6b0c01bf, 0x54000523], // cmp w13, w12; b.lo
  [0x6b14027f, 0x540000e2], // cmp w19, w20; b.hs
  [0x6b01007f, 0x54000508], // cmp w3, w1; b.hi
  [0x710024bf, 0x54fff3a9], // cmp w5, #0x9; b.ls
  [0x6b0b011f, 0x54fffd61], // cmp w8, w11; b.ne
  [0xf100041f, 0x54000040], // cmp x0, #0x1; b.eq
  [0xf100041f, 0x5400004a], // cmp x0, #0x1; b.ge
  [0xf100041f, 0x5400004c], // cmp x0, #0x1; b.gt
  [0xf100041f, 0x54000048], // cmp x0, #0x1; b.hi
  [0xf100041f, 0x54000042], // cmp x0, #0x1; b.hs
  [0xf100041f, 0x5400004d], // cmp x0, #0x1; b.le
  [0xf100041f, 0x5400004b], // cmp x0, #0x1; b.lt
  [0xf100041f, 0x54000044], // cmp x0, #0x1; b.mi
  [0xf100041f, 0x54000045], // cmp x0, #0x1; b.pl
  [0xf100041f, 0x54000047], // cmp x0, #0x1; b.vc
  [0xf100041f, 0x54000046], // cmp x0, #0x1; b.vs
  [0xf100081f, 0x540001c3], // cmp x0, #0x2; b.lo
  [0xf100301f, 0x54ffff01], // cmp x0, #0xc; b.ne
  [0xeb01001f, 0x54000062], // cmp x0, x1; b.hs
  [0xeb02003f, 0x5400004a], // cmp x1, x2; b.ge
  [0xeb02003f, 0x54000043], // cmp x1, x2; b.lo
  [0xeb02003f, 0x5400004b], // cmp x1, x2; b.lt
  [0xeb02003f, 0x54000044], // cmp x1, x2; b.mi
  [0xeb02003f, 0x54000045], // cmp x1, x2; b.pl
  [0xeb02003f, 0x54000047], // cmp x1, x2; b.vc
  [0xeb02003f, 0x54000046], // cmp x1, x2; b.vs
  [0xeb01027f, 0x54000228], // cmp x19, x1; b.hi
  [0xeb01027f, 0x54000149], // cmp x19, x1; b.ls
  [0xf1001c5f, 0x54000369], // cmp x2, #0x7; b.ls
  [0xeb01029f, 0x540003ed], // cmp x20, x1; b.le
  [0xeb17029f, 0x54fffd2c], // cmp x20, x23; b.gt
  [0xeb0000bf, 0xb9000402], // cmp x5, x0; str w2, [x0, #4]
  [0xeb0200bf, 0x38226866], // cmp x5, x2; strb w6, [x3, x2]
  [0xeb0400df, 0x54000160], // cmp x6, x4; b.eq
  [0xeb0800df, 0x54fffe61], // cmp x6, x8; b.ne
  [0x1a810063, 0x71000442], // csel w3, w3, w1, eq; subs w2, w2, #0x1
  [0x4a440c00, 0x0b010000], // eor w0, w0, w4, lsr #3; add w0, w0, w1
  [0x4ac41c00, 0x91001063], // eor w0, w0, w4, ror #7; add x3, x3, #0x4
  [0x4a080000, 0x92401c00], // eor w0, w0, w8; and x0, x0, #0xff
  [0x4a100220, 0x0b010063], // eor w0, w17, w16; add w3, w3, w1
  [0x4a422821, 0x2a0e03ef], // eor w1, w1, w2, lsr #10; mov w15, w14
  [0x4ac24c21, 0x2a0f03f0], // eor w1, w1, w2, ror #19; mov w16, w15
  [0x4ac16481, 0x4a0f0063], // eor w1, w4, w1, ror #25; eor w3, w3, w15
  [0x4a0f0063, 0x4a100220], // eor w3, w3, w15; eor w0, w17, w16
  [0x4ac12c84, 0x2946c3f1], // eor w4, w4, w1, ror #11; ldp w17, w16, [sp, #52]
  [0x4ac25884, 0x0b000084], // eor w4, w4, w2, ror #22; add w4, w4, w0
  [0x4a040065, 0x53017c63], // eor w5, w3, w4; lsr w3, w3, #1
  [0x4a482008, 0xeb07003f], // eor w8, w0, w8, lsr #8; cmp x1, x7
  [0xca402400, 0xf8008420], // eor x0, x0, x0, lsr #9; str x0, [x1], #8
  [0xca0000a0, 0x54fffee1], // eor x0, x5, x0; b.ne
  [0xca0000c0, 0x8b000108], // eor x0, x6, x0; add x8, x8, x0
  [0xca013421, 0xf1000484], // eor x1, x1, x1, lsl #13; subs x4, x4, #0x1
  [0xca411c21, 0x8b000020], // eor x1, x1, x1, lsr #7; add x0, x1, x0
  [0xca030043, 0x91000442], // eor x3, x2, x3; add x2, x2, #0x1
  [0xca4524a5, 0x9bc37ca1], // eor x5, x5, x5, lsr #9; umulh x1, x5, x3
  [0xca061cc6, 0xca4624c6], // eor x6, x6, x6, lsl #7; eor x6, x6, x6, lsr #9
  [0xca4624c6, 0xb8004406], // eor x6, x6, x6, lsr #9; str w6, [x0], #4
  [0xca0000e7, 0x924008e4], // eor x7, x7, x0; and x4, x7, #0x7
  [0x29488fef, 0x8b00010e], // ldp w15, w3, [sp, #68]; add x14, x8, x0
  [0x2946c3f1, 0x0a0f002f], // ldp w17, w16, [sp, #52]; and w15, w1, w15
  [0x297f0c02, 0xd1001000], // ldp w2, w3, [x0, #-8]; sub x0, x0, #0x4
  [0xa97f3c4e, 0xa93e3428], // ldp x14, x15, [x2, #-16]; stp x8, x13, [x1, #-32]
  [0xa97d3c4e, 0xa8843428], // ldp x14, x15, [x2, #-48]; stp x8, x13, [x1], #64
  [0xa94153f3, 0xa8c27bfd], // ldp x19, x20, [sp, #16]; ldp x29, x30, [sp], #32
  [0xa9400c42, 0xf1000421], // ldp x2, x3, [x2]; subs x1, x1, #0x1
  [0xa9425bf5, 0xf9401bf7], // ldp x21, x22, [sp, #32]; ldr x23, [sp, #48]
  [0xa8c17bfd, 0xd65f03c0], // ldp x29, x30, [sp], #16; ret
  [0xa97e3448, 0xa97f3c4e], // ldp x8, x13, [x2, #-32]; ldp x14, x15, [x2, #-16]
  [0xa8c43448, 0xa97d3c4e], // ldp x8, x13, [x2], #64; ldp x14, x15, [x2, #-48]
  [0xb8607840, 0x4a482008], // ldr w0, [x2, x0, lsl #2]; eor w8, w0, w8, lsr #8
  [0xb9404fef, 0x0b1201ce], // ldr w15, [sp, #76]; add w14, w14, w18
  [0xb8627be2, 0xb8004402], // ldr w2, [sp, x2, lsl #2]; str w2, [x0], #4
  [0xb9400802, 0x6b01005f], // ldr w2, [x0, #8]; cmp w2, w1
  [0xb9400002, 0xeb0000bf], // ldr w2, [x0]; cmp x5, x0
  [0xb9400422, 0x91002021], // ldr w2, [x1, #4]; add x1, x1, #0x8
  [0xb8404e62, 0x6b03005f], // ldr w2, [x19, #4]!; cmp w2, w3
  [0xb9400262, 0xb9400024], // ldr w2, [x19]; ldr w4, [x1]
  [0xb9400022, 0x17ffffbe], // ldr w2, [x1]; b
  [0xb8430443, 0x1b030481], // ldr w3, [x2], #48; madd w1, w4, w3, w1
  [0xb9400064, 0x2a1003f1], // ldr w4, [x3]; mov w17, w16
  [0xb86078a4, 0x91000400], // ldr w4, [x5, x0, lsl #2]; add x0, x0, #0x1
  [0xf9400000, 0xb40000a0], // ldr x0, [x0]; cbz x0
  [0xf9400060, 0x91000400], // ldr x0, [x3]; add x0, x0, #0x1
  [0xf9400001, 0xf9000002], // ldr x1, [x0]; str x2, [x0]
  [0xf8617942, 0x8b070108], // ldr x2, [x10, x1, lsl #3]; add x8, x8, x7
  [0xf94002a2, 0xaa0003f3], // ldr x2, [x21]; mov x19, x0
  [0xf9401bf7, 0xa8c77bfd], // ldr x23, [sp, #48]; ldp x29, x30, [sp], #112
  [0xf9401bf7, 0xaa1303e0], // ldr x23, [sp, #48]; mov x0, x19
  [0xf8677888, 0xca000108], // ldr x8, [x4, x7, lsl #3]; eor x8, x8, x0
  [0x38401420, 0x4a080000], // ldrb w0, [x1], #1; eor w0, w0, w8
  [0x38624882, 0x10000065], // ldrb w2, [x4, w2, uxtw]; adr x5
  [0x39400083, 0x51018461], // ldrb w3, [x4]; sub w1, w3, #0x61
  [0x38626826, 0xeb0200bf], // ldrb w6, [x1, x2]; cmp x5, x2
  [0xb85fc1ce, 0x4ac16481], // ldur w14, [x14, #-4]; eor w1, w4, w1, ror #25
  [0xb85fc012, 0x0a210063], // ldur w18, [x0, #-4]; bic w3, w3, w1
  [0xb85fc002, 0xb8004402], // ldur w2, [x0, #-4]; str w2, [x0], #4
  [0xb85fc003, 0xd1001000], // ldur w3, [x0, #-4]; sub x0, x0, #0x4
  [0xd37ef5a0, 0x13811824], // lsl x0, x13, #2; ror w4, w1, #6
  [0x53017c63, 0x4a060061], // lsr w3, w3, #1; eor w1, w3, w6
  [0x53017c84, 0xf24000bf], // lsr w4, w4, #1; tst x5, #0x1
  [0x1b030481, 0xf100301f], // madd w1, w4, w3, w1; cmp x0, #0xc
  [0x1b060465, 0x8b020842], // madd w5, w3, w6, w1; add x2, x2, x2, lsl #2
  [0x2a0003e1, 0x2a1303e0], // mov w1, w0; mov w0, w19
  [0x2a0f03f0, 0x4a422821], // mov w16, w15; eor w1, w1, w2, lsr #10
  [0x2a1003f1, 0x13824441], // mov w17, w16; ror w1, w2, #17
  [0xd29ee100, 0x8b020063], // mov x0, #0xf708; add x3, x3, x2
  [0xaa1303e0, 0xa94153f3], // mov x0, x19; ldp x19, x20, [sp, #16]
  [0xaa0103e0, 0xf9400001], // mov x0, x1; ldr x1, [x0]
  [0xd284a161, 0xca010042], // mov x1, #0x250b; eor x2, x2, x1
  [0xaa0a03e1, 0x91100148], // mov x1, x10; add x8, x10, #0x400
  [0xaa0303e1, 0x297f0c02], // mov x1, x3; ldp w2, w3, [x0, #-8]
  [0xaa0303e1, 0xb9400820], // mov x1, x3; ldr w0, [x1, #8]
  [0xaa0303e1, 0xb85fc002], // mov x1, x3; ldur w2, [x0, #-4]
  [0xaa0003e2, 0xb5ffff81], // mov x2, x0; cbnz x1
  [0xaa0003f4, 0xf90013f5], // mov x20, x0; str x21, [sp, #32]
  [0x910003fd, 0xf9001bf7], // mov x29, sp; str x23, [sp, #48]
  [0xaa0003e3, 0xd1000445], // mov x3, x0; sub x5, x2, #0x1
  [0xaa0503e3, 0xca0000a0], // mov x3, x5; eor x0, x5, x0
  [0xaa0003e4, 0xaa0a03e0], // mov x4, x0; mov x0, x10
  [0x13824441, 0x4ac24c21], // ror w1, w2, #17; eor w1, w1, w2, ror #19
  [0x13811824, 0x29488fef], // ror w4, w1, #6; ldp w15, w3, [sp, #68]
  [0x13820844, 0xb9404fef], // ror w4, w2, #2; ldr w15, [sp, #76]
  [0xa93f3c2e, 0xf1010063], // stp x14, x15, [x1, #-16]; subs x3, x3, #0x40
  [0xa93d3c2e, 0xa97e3448], // stp x14, x15, [x1, #-48]; ldp x8, x13, [x2, #-32]
  [0xa90153f3, 0xaa0103f4], // stp x19, x20, [sp, #16]; mov x20, x1
  [0xa9000c22, 0x91008000], // stp x2, x3, [x1]; add x0, x0, #0x20
  [0xa9be7bfd, 0x910003fd], // stp x29, x30, [sp, #-32]!; mov x29, sp
  [0xa93e3428, 0xa93f3c2e], // stp x8, x13, [x1, #-32]; stp x14, x15, [x1, #-16]
  [0xa8843428, 0xa93d3c2e], // stp x8, x13, [x1], #64; stp x14, x15, [x1, #-48]
  [0xb9003860, 0xeb03013f], // str w0, [x3, #56]; cmp x9, x3
  [0xb90043e1, 0xf10105bf], // str w1, [sp, #64]; cmp x13, #0x41
  [0xb80044e1, 0xeb0800df], // str w1, [x7], #4; cmp x6, x8
  [0xb90033e2, 0x0b010061], // str w2, [sp, #48]; add w1, w3, w1
  [0xb9000402, 0xd1001000], // str w2, [x0, #4]; sub x0, x0, #0x4
  [0xb8004402, 0xb9400022], // str w2, [x0], #4; ldr w2, [x1]
  [0xb81fc422, 0x17ffffe3], // str w2, [x1], #-4; b
  [0xb8227be3, 0xb9400022], // str w3, [sp, x2, lsl #2]; ldr w2, [x1]
  [0xb8004664, 0xb81fc422], // str w4, [x19], #4; str w2, [x1], #-4
  [0xf90004e0, 0xeb08003f], // str x0, [x7, #8]; cmp x1, x8
  [0xf9000bf3, 0xaa0003f3], // str x19, [sp, #16]; mov x19, x0
  [0xf8008402, 0xeb07001f], // str x2, [x0], #8; cmp x0, x7
  [0xf9000002, 0xaa0003e2], // str x2, [x0]; mov x2, x0
  [0xf800841f, 0x17fffffd], // str xzr, [x0], #8; b
  [0x38001401, 0xeb0000df], // strb w1, [x0], #1; cmp x6, x0
  [0x38216862, 0x91000421], // strb w2, [x3, x1]; add x1, x1, #0x1
  [0xb81fc002, 0xb9400022], // stur w2, [x0, #-4]; ldr w2, [x1]
  [0x4b020062, 0x91000484], // sub w2, w3, w2; add x4, x4, #0x1
  [0x5100c065, 0x12001ca5], // sub w5, w3, #0x30; and w5, w5, #0xff
  [0xd1000400, 0x97fffff9], // sub x0, x0, #0x1; bl
  [0xd1001000, 0x92400442], // sub x0, x0, #0x4; and x2, x2, #0x3
  [0xd1001000, 0x54ffff81], // sub x0, x0, #0x4; b.ne
  [0xcb411041, 0xcb0104a1], // sub x1, x2, x1, lsr #4; sub x1, x5, x1, lsl #1
  [0xcb0104a1, 0x12000822], // sub x1, x5, x1, lsl #1; and w2, w1, #0x7
  [0x71000442, 0x54ffff01], // subs w2, w2, #0x1; b.ne
  [0xf1000421, 0x8b030000], // subs x1, x1, #0x1; add x0, x0, x3
  [0xf1000484, 0xca411c21], // subs x4, x4, #0x1; eor x1, x1, x1, lsr #7
  [0xf24000bf, 0x12003c21], // tst x5, #0x1; and w1, w1, #0xffff
  [0x9bc37ca1, 0x927cec22], // umulh x1, x5, x3; and x2, x1, #0xfffffffffffffff0
];
