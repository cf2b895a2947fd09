// Atomics, exclusives and ordered accesses where they may not go, and the syndromes of reads that are writes.
#include "guest.h"

static u64 table[512] __attribute__((aligned(4096)));

void guest_main(void) {
  table[0] = 1 << 10 | 1 << 2 | 1;
  table[1] = 1 << 30 | 1 << 10 | 1;
  table[2] = 1 << 30 | 1 << 10 | 1 << 7 | 1; // read-only
  write(mair_el1, 0x00ff);
  write(ttbr0_el1, table);
  write(tcr_el1, 25 | 1 << 23 | 2ull << 32);
  sys("dsb sy\n tlbi vmalle1\n dsb sy\n isb");
  write(sctlr_el1, 0x30d50999);
  static const u64 addresses[] = {0xc0000000, 0x80000000, 0x41000001, 0x41000ffc};
  for (unsigned i = 0; i < sizeof addresses / 8; i++) {
    line("at", addresses[i]);
    asm volatile("mov x9, xzr\n ldadd x9, x10, [%0]\n swpal x9, x10, [%0]\n cas x9, x10, [%0]\n casp x8, x9, x10, x11, [%0]\n"
                 "stadd x9, [%0]\n ldaddb w9, w10, [%0]\n ldxr x9, [%0]\n stxr w8, x9, [%0]\n stlr x9, [%0]\n"
                 "ldaxp x9, x10, [%0]\n dc zva, %0"
                 ::"r"(addresses[i]) : "x8", "x9", "x10", "x11", "memory", "cc");
  }
}
