// Random translation tables, and what AT instructions find in them.
#include "guest.h"

// probe_code: x0 va, x1 kind, x2 registers (tcr, ttbr0, ttbr1), x3 where to run (0 or the start of the upper half),
// x4 tcr and x5 table that map all memory in both halves. The answer, PAR_EL1, comes in x0.
asm(".text\n.balign 64\nprobe_code:\n"
    "msr tcr_el1, x4\n msr ttbr0_el1, x5\n msr ttbr1_el1, x5\n dsb sy\n tlbi vmalle1\n dsb sy\n isb\n"
    "mrs x9, sctlr_el1\n orr x10, x9, #1\n msr sctlr_el1, x10\n isb\n"
    "adr x10, 1f\n orr x10, x10, x3\n br x10\n"
    "1: ldp x6, x7, [x2]\n ldr x8, [x2, #16]\n"
    "msr ttbr0_el1, x7\n msr ttbr1_el1, x8\n msr tcr_el1, x6\n dsb sy\n tlbi vmalle1\n dsb sy\n isb\n"
    "cbz x1, 10f\n cmp x1, #1\n b.eq 11f\n cmp x1, #2\n b.eq 12f\n cmp x1, #4\n b.ge 13f\n at s1e0w, x0\n b 4f\n"
    "10: at s1e1r, x0\n b 4f\n 11: at s1e1w, x0\n b 4f\n 12: at s1e0r, x0\n b 4f\n"
    // With FEAT_PAN2: AT S1E1RP, AT S1E1WP, and both with PSTATE.PAN.
    "13: tbz x1, #1, 14f\n msr pan, #1\n"
    "14: tbnz x1, #0, 15f\n sys #0, c7, c9, #0, x0\n b 4f\n 15: sys #0, c7, c9, #1, x0\n"
    "4: isb\n mrs x0, par_el1\n cmp x1, #4\n b.lt 6f\n msr pan, #0\n6:\n"
    "msr tcr_el1, x4\n msr ttbr0_el1, x5\n msr ttbr1_el1, x5\n dsb sy\n tlbi vmalle1\n dsb sy\n isb\n"
    "adr x10, 5f\n bic x10, x10, x3\n br x10\n"
    "5: msr sctlr_el1, x9\n isb\n ret\n");

static u64 seed = 0x123456789abcdef;
static u64 random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  return seed ^= seed << 17;
}
static u64 below(u64 n) { return (random() >> 20) % n; }
static int chance(u64 percent) { return below(100) < percent; }

#define TABLES 16
static u64 *const tables = (u64 *)free_memory;

static u64 descriptor(void) {
  u64 attributes = random() & 0xffff000000000ffc;
  if (chance(85)) attributes |= 1 << 10;
  u64 far = chance(8) ? random() & 0x0000f00000000000 : chance(20) ? random() & 0x00000fff00000000 : 0;
  u64 kind = below(100);
  // What a descriptor of type 3 points to may be taken for a table: it lies in RAM, or beyond every address size.
  if (kind < 70) return attributes | (far & 0xf00000000000) | ((u64)free_memory + (below(TABLES * 16) << 12)) | 3;
  if (kind < 87) return attributes | far | (random() & 0xfffff000) | 1;
  return attributes | far | (random() & 2);
}

static int pan2;
static u64 identity[512] __attribute__((aligned(4096)));

static void one(int upper) {
  u64 size = chance(90) ? 16 + below(24) : 10 + below(36);
  u64 grain = chance(95) ? below(3) : 3;
  u64 tcr = size | grain << 14 | (chance(8) ? 1 << 7 : 0);
  if (upper) tcr <<= 16;
  tcr |= upper ? 25 : 25ull << 16 | 2ull << 30;
  tcr |= (chance(50) ? 4 : below(5)) << 32;
  if (chance(50)) tcr |= 1ull << (upper ? 38 : 37);
  u64 base = (u64)free_memory + below(TABLES * 8192) * 8;
  if (chance(5)) base |= random() & 0xf00000000000;
  base |= (random() & 0xff) << 48;
  u64 registers[3] = {tcr, upper ? (u64)identity : base, upper ? base : (u64)identity};
  // Half of the attributes are the usual ones.
  write(mair_el1, chance(50) ? random() : 0x0c0400ff44bbaaee);
  u64 bits = size < 16 || size > 39 ? 39 : 64 - size;
  for (int i = 0; i < 6; i++) {
    u64 va = random() & ((1ull << bits) - 1);
    if (upper) va |= ~((1ull << bits) - 1);
    if (chance(15)) va = (va & 0x00ffffffffffffff) | random() << 56;
    if (chance(5)) va ^= 1ull << (40 + below(15));
    u64 kind = below(pan2 ? 8 : 4);
    register u64 x0 asm("x0") = va;
    register u64 x1 asm("x1") = kind;
    register u64 x2 asm("x2") = (u64)registers;
    register u64 x3 asm("x3") = upper ? 0 : 0xffffff8000000000;
    register u64 x4 asm("x4") = 25 | 25 << 16 | 2ull << 30 | 5ull << 32;
    register u64 x5 asm("x5") = (u64)identity;
    asm volatile("mov x11, x30\n bl probe_code\n mov x30, x11"
                 : "+r"(x0)
                 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                 : "x6", "x7", "x8", "x9", "x10", "x11", "memory", "cc");
    u64 par = x0;
    hex(tcr), put(' '), hex(base), put(' '), hex(kind), put(' '), hex(va), put(' '), hex(par), put('\n');
  }
}

void guest_main(void) {
  write(sctlr_el1, 0x30d50998);
  pan2 = (read(id_aa64mmfr1_el1) >> 20 & 15) >= 2;
  for (u64 i = 0; i < 512; i++) identity[i] = i << 30 | 1 << 10 | 1;
  for (u64 i = 0; i < TABLES * 8192; i++) tables[i] = descriptor();
  for (int i = 0; i < 400; i++) one(i & 1);
}
