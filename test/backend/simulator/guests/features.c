// One instruction of each optional feature and more: UNDEFINED on a CPU without it.
#include "guest.h"

asm(".pushsection .rodata\n"
    ".arch armv8.6-a+crypto+fp16fml+i8mm\n"
    ".balign 4\n"
    "words:\n"
    // FEAT_LSE, FEAT_CRC32, FEAT_LRCPC, FEAT_LOR
    " cas x2, x3, [x0]\n casp x2, x3, x4, x5, [x0]\n ldadd w2, w3, [x0]\n swpb w2, w3, [x0]\n"
    " crc32x w2, w3, x0\n crc32cb w2, w3, w0\n"
    " ldapr x2, [x0]\n ldaprb w2, [x0]\n"
    " ldlar x2, [x0]\n stllr x2, [x0]\n ldar x2, [x0]\n stlr x2, [x0]\n"
    " mrs x2, S3_0_C10_C4_7\n msr S3_0_C10_C4_7, x0\n msr S3_0_C10_C4_3, xzr\n mrs x2, S3_0_C10_C4_0\n"
    // FEAT_PAN, FEAT_PAN2, FEAT_DPB, FEAT_DPB2
    " msr pan, #0\n mrs x2, pan\n msr pan, xzr\n at s1e1rp, x0\n at s1e1wp, x0\n dc cvap, x0\n dc cvadp, x0\n dc cvac, x0\n"
    // FEAT_AES, FEAT_PMULL, FEAT_SHA1, FEAT_SHA256
    " aese v0.16b, v1.16b\n aesmc v0.16b, v1.16b\n pmull v0.1q, v1.1d, v2.1d\n pmull v0.8h, v1.8b, v2.8b\n"
    " sha1c q0, s1, v2.4s\n sha1h s0, s1\n sha256h q0, q1, v2.4s\n sha256su0 v0.4s, v1.4s\n"
    // FEAT_RDM, FEAT_DotProd, FEAT_I8MM
    " sqrdmlah v0.4s, v1.4s, v2.4s\n sqrdmlsh h0, h1, v2.h[1]\n"
    " sdot v0.4s, v1.16b, v2.16b\n udot v0.2s, v1.8b, v2.4b[1]\n usdot v0.4s, v1.16b, v2.16b\n"
    " sudot v0.4s, v1.16b, v2.4b[1]\n smmla v0.4s, v1.16b, v2.16b\n ummla v0.4s, v1.16b, v2.16b\n usmmla v0.4s, v1.16b, v2.16b\n"
    // FEAT_FP16, FEAT_FCMA, FEAT_JSCVT, FEAT_FHM, FEAT_FRINTTS
    " fadd h0, h1, h2\n fadd v0.8h, v1.8h, v2.8h\n fmov h0, #1.0\n fcvtzs w2, h0\n scvtf v0.4h, v1.4h\n fcmla v0.4h, v1.4h, v2.4h, #90\n"
    " fcmla v0.4s, v1.4s, v2.4s, #90\n fcadd v0.2d, v1.2d, v2.2d, #270\n fjcvtzs w2, d0\n"
    " fmlal v0.4s, v1.4h, v2.4h\n frint32x s0, s1\n frint64z v0.2d, v1.2d\n"
    "words_end:\n"
    ".popsection");
extern const u32 words[], words_end[];

static u64 nothing(u64 argument) { return argument; }

void guest_main(void) {
  write(cpacr_el1, 3 << 20);
  for (const u32 *word = words; word < words_end; word++) {
    quiet = 1;
    last.count = 0;
    call_word(*word, (u64)free_memory);
    quiet = 0;
    hex(*word), put(' '), hex(last.count ? last.esr : 0), put('\n');
  }
  write(fpcr, 1 << 19);
  line("FPCR.FZ16", read(fpcr));
  write(fpcr, 0);
  // An exception returns to PSTATE with PAN; the next one tells whether it is there.
  resume_pstate = 0x4003c5;
  sys("brk #1");
  sys("brk #2");
  resume_pstate = 0x3c5;
  sys("brk #3");
  sys("brk #4");
  // Whether entry sets PAN where SPAN is 0: a call of EL0 comes back by an exception and no return from it.
  write(sctlr_el1, 0x30d50998 & ~(1 << 23));
  at_el0(nothing, 0);
  sys("brk #5");
}
