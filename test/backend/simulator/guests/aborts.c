// Accesses of all kinds to pages of all kinds, at EL1, at EL1 with PAN, and at EL0.
#include "guest.h"

// The program and its stacks as EL0 sees them: the same memory at 2 GiB.
#define EL0_OFFSET 0x40000000
#define PAGES 0xc0000000ull

enum { VALID = 3, AF = 1 << 10, USER = 1 << 6, RO = 1 << 7, DEVICE = 1 << 2 };
#define UXN (1ull << 54)
#define PXN (1ull << 53)

static u64 level1[512] __attribute__((aligned(4096)));
static u64 level2[512] __attribute__((aligned(4096)));
static u64 level3[512] __attribute__((aligned(4096)));
static u64 plain3[512] __attribute__((aligned(4096)));

static const struct { const char *name; u64 descriptor; } pages[] = {
    {"kernel", AF | UXN | PXN},
    {"kernel text", AF | RO | UXN},
    {"user", AF | USER | UXN | PXN},
    {"user, EL0 may execute", AF | USER},
    {"user text", AF | USER | RO},
    {"read-only", AF | USER | RO | UXN | PXN},
    {"kernel, EL0 may execute", AF | RO | PXN},
    {"no access flag", USER},
    {"invalid", 0},
    {"beyond the address size", AF | USER | 1ull << 40},
    {"device", AF | USER | DEVICE | UXN | PXN},
    {"nothing there", AF | USER | UXN | PXN | 0x0b000000},
};

static const struct { const char *name; u32 word; } operations[] = {
    {"ldr x1, [x0]", 0xf9400001},
    {"str x1, [x0]", 0xf9000001},
    {"ldrb w1, [x0], #1", 0x38401401},
    {"ldtr x1, [x0]", 0xf8400801},
    {"sttr x1, [x0]", 0xf8000801},
    {"ldp x1, x2, [x0]", 0xa9400801},
    {"ldxr x1, [x0]", 0xc85f7c01},
    {"ldar x1, [x0]", 0xc8dffc01},
    {"stlr x1, [x0]", 0xc89ffc01},
    {"prfm", 0xf9800000},
    {"br x0", 0xd61f0000},
};

// At EL0 x0 is the address; the instruction has been put in place.
static u64 at_address(u64 address) {
  u64 (*f)(u64) = (void *)((u64)word_buffer + EL0_OFFSET);
  return f(address);
}

static void place(u32 word) {
  word_buffer[0] = word;
  asm volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb" ::"r"(word_buffer) : "memory");
}

static void everywhere(u32 word, u64 address) {
  place(word);
  call_word(word, address);
  sys("msr pan, #1");
  call_word(word, address);
  sys("msr pan, #0");
  at_el0(at_address, address);
}

static void sweep(u64 address, const char *name) {
  text(name), put('\n');
  for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++) {
    // Jumps into devices and empty space are not defined.
    if (operations[i].word >> 24 == 0xd6 && (name[0] == 'd' || name[0] == 'n')) continue;
    text(" "), text(operations[i].name), put('\n');
    everywhere(operations[i].word, address);
  }
}

static void map(void) {
  u64 memory = (u64)free_memory;
  for (u64 i = 0; i < 0x20000; i++) ((u32 *)memory)[i] = 0xd65f03c0; // RET
  level1[0] = AF | DEVICE | UXN | PXN | 1;
  level1[1] = 0x40000000 | AF | UXN | 1;
  level1[2] = 0x40000000 | AF | USER | PXN | 1;
  level1[3] = (u64)level2 | VALID;
  level2[0] = (u64)level3 | VALID;
  level2[1] = (u64)plain3 | VALID | 1ull << 61; // no access for EL0
  level2[2] = (u64)plain3 | VALID | 1ull << 62; // read-only
  level2[3] = (u64)plain3 | VALID | 3ull << 59; // no execution
  level2[4] = 0;
  level2[5] = 0x40000000 | AF | RO | UXN | PXN | 1;
  level2[6] = 0x40000000 | USER | 1;
  level2[7] = 0x0c0000000000 | VALID;
  for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++) {
    u64 d = pages[i].descriptor;
    u64 to = (d & 0x08000000) ? 0 : memory + i * 0x1000;
    level3[i * 2] = d ? d | to | VALID : 0;
  }
  plain3[0] = memory | AF | USER | VALID;
  write(mair_el1, 0x00ff);
  write(tcr_el1, 25 | 25 << 16 | 2ull << 30 | 1 << 23 | 2ull << 32); // 40 bits, no upper half
  write(ttbr0_el1, level1);
  sys("dsb sy\n tlbi vmalle1\n dsb sy\n isb");
}

// Faults in the middle of something: a second register, a second page, write-back.
static void crossings(void) {
  u64 kernel = PAGES + 0x1000; // its predecessor is mapped, it is not
  static const struct { const char *name; u32 word; int offset; } cases[] = {
      {"ldr x1, [x0] over the edge", 0xf9400001, -4},
      {"str x1, [x0] over the edge", 0xf9000001, -3},
      {"ldrh w1, [x0] over the edge", 0x79400001, -1},
      {"ldp x1, x2, [x0] over the edge", 0xa9400801, -8},
      {"stp x1, x2, [x0], #16", 0xa8810801, -8},
      {"ldr x1, [x0, #8]!", 0xf8408c01, -8},
      {"ldp x0, x1, [x0]", 0xa9400400, -8},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    text(cases[i].name), put('\n');
    line(" x0 after", call_word(cases[i].word, kernel + cases[i].offset) & ~7ull);
  }
}

static void alignment(void) {
  static const struct { const char *name; u32 word; int offset; } cases[] = {
      {"ldr x1", 0xf9400001, 4},  {"ldr w1", 0xb9400001, 4},    {"ldr w1", 0xb9400001, 2},
      {"strh w1", 0x79000001, 1}, {"ldp x1, x2", 0xa9400801, 8}, {"ldp x1, x2", 0xa9400801, 4},
      {"ldp w1, w2", 0x29400801, 4}, {"ldxr x1", 0xc85f7c01, 4}, {"ldxp x1, x2", 0xc87f0801, 8},
      {"ldar w1", 0x88dffc01, 2}, {"stlrh w1", 0x489ffc01, 1}, {"ldtr x1", 0xf8400801, 1},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    text(cases[i].name), put('\n');
    call_word(cases[i].word, PAGES + cases[i].offset);
  }
}

void guest_main(void) {
  map();
  el0_offset = EL0_OFFSET;
  write(sctlr_el1, 0x30d50999);
  for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++) sweep(PAGES + i * 0x2000, pages[i].name);
  sweep(PAGES + 0x200000, "APTable 0");
  sweep(PAGES + 0x400000, "APTable 1");
  sweep(PAGES + 0x600000, "XNTables");
  sweep(PAGES + 0x800000, "invalid block");
  sweep(PAGES + 0xa00000, "read-only block");
  sweep(PAGES + 0xc00000, "block, no access flag");
  sweep(PAGES + 0xe00000, "table beyond the address size");
  sweep(0x100000000, "invalid at level 1");
  sweep(0x8000000000, "outside the lower half");
  sweep(0xffffffff80000000, "upper half, disabled");
  crossings();
  text("alignment, unchecked\n");
  alignment();
  write(sctlr_el1, 0x30d5099b);
  text("alignment, checked\n");
  alignment();
  text("end\n");
}
