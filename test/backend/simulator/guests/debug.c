// The guest debugs itself: breakpoints, watchpoints and software steps.
#include "guest.h"

extern u32 target[], after[];
asm(".text\n.balign 64\n.global target, after\n"
    "run_target: stp x29, x30, [sp, #-16]!\n"
    "target: nop\n add x1, x1, #1\n ldr x3, [x0]\n str x3, [x0, #8]\n ldxr x4, [x0]\n clrex\n svc #7\n"
    "after: ldp x29, x30, [sp], #16\n ret\n");
u64 run_target(u64 address);

static u64 data[64] __attribute__((aligned(256)));

enum { SS = 1, KDE = 1 << 13, MDE = 1 << 15 };

// Every access of interest, by width and place.
static void accesses(u64 base) {
  for (int offset = 0; offset < 24; offset++) asm volatile("ldrb w1, [%0]" ::"r"(base + offset) : "x1", "memory");
  for (int offset = 0; offset < 24; offset += 4) asm volatile("str wzr, [%0]" ::"r"(base + offset) : "memory");
  for (int offset = 0; offset < 24; offset += 8) asm volatile("ldr x1, [%0]" ::"r"(base + offset) : "x1", "memory");
  asm volatile("stp xzr, xzr, [%0]" ::"r"(base) : "memory");
  asm volatile("ldp x1, x2, [%0]" ::"r"(base) : "x1", "x2", "memory");
  asm volatile("ldtrb w1, [%0]" ::"r"(base + 8) : "x1", "memory");
  asm volatile("ldxr x1, [%0]" ::"r"(base + 8) : "x1", "memory");
}

static u64 accesses_at_el0(u64 base) {
  accesses(base);
  return 0;
}

static int unmask;

static void watch(u64 value, u64 control) {
  text("watch "), hex(value & 0xff), put(' '), hex(control), put('\n');
  write(dbgwvr1_el1, value);
  write(dbgwcr1_el1, control);
  if (unmask) sys("msr daifclr, #8");
  accesses((u64)data);
  at_el0(accesses_at_el0, (u64)data);
  write(dbgwcr1_el1, 0);
}

static void break_at(u64 value, u64 control) {
  text("break "), hex(control), put('\n');
  write(dbgbvr2_el1, value);
  write(dbgbcr2_el1, control);
  if (unmask) sys("msr daifclr, #8");
  run_target((u64)data);
  at_el0(run_target, (u64)data);
  write(dbgbcr2_el1, 0);
}

void guest_main(void) {
  write(sctlr_el1, 0x30d50998);
  write(oslar_el1, 0);
  u64 here = (u64)target;
  text("debug exceptions off\n");
  break_at(here, 0x1e7);
  text("on, from EL1 masked by PSTATE.D\n");
  write(mdscr_el1, MDE | KDE);
  break_at(here, 0x1e7);
  watch((u64)data, 0x1ff);
  text("not masked\n");
  unmask = 1;
  break_at(here, 0x1e7);     // EL1 and EL0
  break_at(here + 4, 0x1e3); // EL1
  break_at(here + 8, 0x1e5); // EL0
  break_at(here, 0x1e1);     // neither
  break_at(here, 0x1e6);     // not enabled
  break_at(here + 0x100, 0x1e7);
  text("linked to a context\n");
  write(contextidr_el1, 0x1234);
  write(dbgbvr5_el1, 0x1234);
  write(dbgbcr5_el1, 3 << 20 | 0x1e7);
  break_at(here, 1 << 20 | 5 << 16 | 0x1e7);
  write(dbgbvr5_el1, 0x1235);
  break_at(here, 1 << 20 | 5 << 16 | 0x1e7);
  write(dbgbcr5_el1, 0);
  text("watchpoints\n");
  u64 base = (u64)data;
  watch(base, 0xff << 5 | 3 << 3 | 3 << 1 | 1);
  watch(base + 8, 0xff << 5 | 1 << 3 | 3 << 1 | 1); // loads
  watch(base + 8, 0xff << 5 | 2 << 3 | 3 << 1 | 1); // stores
  watch(base + 8, 0x01 << 5 | 3 << 3 | 3 << 1 | 1);
  watch(base + 8, 0x3c << 5 | 3 << 3 | 3 << 1 | 1);
  watch(base + 4, 0x06 << 5 | 3 << 3 | 3 << 1 | 1);
  watch(base + 16, 0x80 << 5 | 3 << 3 | 1 << 1 | 1); // EL1
  watch(base + 8, 0xff << 5 | 3 << 3 | 2 << 1 | 1);  // EL0, and LDTR
  watch(base, 4 << 24 | 0xff << 5 | 3 << 3 | 3 << 1 | 1);
  watch(base, 0xff << 5 | 3 << 3 | 3 << 1);
  text("KDE off\n");
  write(mdscr_el1, MDE);
  break_at(here, 0x1e7);
  watch(base, 0xff << 5 | 3 << 3 | 3 << 1 | 1);
  text("OS lock\n");
  write(mdscr_el1, MDE | KDE);
  write(oslar_el1, 1);
  line("OSLSR", read(oslsr_el1));
  write(oslar_el1, 0);
  line("OSLSR", read(oslsr_el1));
  text("steps at EL0\n");
  sys("msr daifset, #8");
  write(mdscr_el1, SS);
  el0_pstate = 0x3c0 | 1 << 21;
  at_el0(run_target, (u64)data);
  text("steps at EL0 that do not begin with a step\n");
  el0_pstate = 0x3c0;
  at_el0(run_target, (u64)data);
  write(mdscr_el1, 0);
  text("end\n");
}
