// Exceptions that instructions raise by themselves, at EL1 and EL0.
#include "guest.h"

#define try(what) \
  do { \
    text(#what "\n"); \
    sys(what); \
  } while (0)

static u64 calls(u64 unused) {
  try("svc #0");
  try("svc #0xffff");
  try("brk #0x1234");
  try("hlt #1");
  try("udf #7");
  try(".inst 0x03ffffff");
  try(".inst 0xd5033fff"); // a barrier with an op2 that there is not
  try("dcps1");
  try("msr pan, #1");
  try("msr spsel, #1");
  try("mrs x0, daif");
  try("msr daif, x0");
  try("mrs x0, currentel");
  try("mrs x0, spsel");
  try("mrs x0, ctr_el0");
  try("mrs x0, dczid_el0");
  try("mrs x0, cntvct_el0");
  try("mrs x0, cntfrq_el0");
  try("mrs x0, cntv_ctl_el0");
  try("mrs x0, cntp_ctl_el0");
  try("msr cntv_cval_el0, xzr");
  try("msr cntp_tval_el0, xzr");
  try("msr cntvct_el0, x0");
  try("mrs x0, tpidr_el0");
  try("msr tpidrro_el0, x0");
  try("mrs x0, sctlr_el1");
  try("mrs x0, midr_el1");
  try("mrs x0, sp_el1");
  try("mrs x0, spsr_el2");
  try("msr vbar_el2, x0");
  try("mrs x0, scr_el3");
  try("msr midr_el1, x0");
  try("mrs x0, oslar_el1");
  try("mrs x0, mdccsr_el0");
  try("mrs x0, s3_0_c11_c0_0");
  try("mrs x0, s3_7_c15_c0_0");
  try("mrs x0, s3_0_c0_c0_1");
  try("mrs x0, s3_0_c0_c7_7");
  try("msr s3_0_c0_c7_7, x0");
  try("mrs x0, s2_2_c0_c0_0");
  try("tlbi vmalle1");
  try("tlbi alle2");
  try("ic iallu");
  try("dc isw, xzr");
  try("at s1e1r, x0");
  try("at s12e1r, x0");
  try("sys #7, c15, c15, #7, x0");
  try("sysl x0, #0, c7, c5, #0");
  try("fadd d0, d1, d2");
  try("ldr q0, [sp]");
  try("stp d0, d1, [sp, #-32]");
  try("mrs x0, fpcr");
  try("msr fpsr, x0");
  try("add v0.4s, v1.4s, v2.4s");
  return 0;
}

static u64 secure_calls(u64 unused) {
  try("hvc #5");
  try("smc #6");
  return 0;
}

static u64 waits(u64 unused) {
  try("wfe");
  try("wfi");
  return 0;
}

static u64 eret_at_el0(u64 unused) {
  try("eret");
  return 0;
}

static u64 maintenance(u64 address) {
  text("ic ivau\n");
  sys1("ic ivau", address);
  text("dc cvac\n");
  sys1("dc cvac", address);
  text("dc cvau\n");
  sys1("dc cvau", address);
  text("dc civac\n");
  sys1("dc civac", address);
  text("dc ivac\n");
  sys1("dc ivac", address);
  return 0;
}

void guest_main(void) {
  u64 reset = 0x30d50998;
  write(sctlr_el1, reset);
  text("at EL1\n");
  calls(0);
  text("at EL0, nothing allowed\n");
  write(sctlr_el1, reset & ~(1 << 9 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26));
  at_el0(calls, 0);
  at_el0(secure_calls, 0);
  at_el0(eret_at_el0, 0);
  at_el0(waits, 0);
  at_el0(maintenance, (u64)free_memory);
  text("at EL0, all allowed\n");
  write(sctlr_el1, reset | 1 << 9 | 1 << 14 | 1 << 15 | 1 << 26);
  write(cntkctl_el1, 0x303);
  quiet = 1;
  for (int i = 0; i < 2; i++) {
    last.count = 0;
    at_el0(calls, 0);
    line("exceptions", last.count);
    write(cntkctl_el1, 0);
  }
  quiet = 0;
  text("fp, trapped at EL0 only\n");
  write(cpacr_el1, 1 << 20);
  quiet = 0;
  at_el0(maintenance, (u64)free_memory);
  text("vectors of EL1t\n");
  asm volatile("mov x9, sp\n msr spsel, #0\n mov sp, x9\n sub sp, sp, #0x1000\n svc #1\n brk #2\n msr spsel, #1" ::: "x9", "memory");
  text("flags and masks in SPSR\n");
  asm volatile("mov x9, #0xf0000000\n msr nzcv, x9\n msr daifclr, #0xb\n svc #3\n msr daifset, #0xf" ::: "x9", "cc", "memory");
  // SPAN
  write(sctlr_el1, reset & ~(1 << 23));
  text("PAN by entry\n");
  sys("svc #4");
  line("pan after", read(S3_0_C4_C2_3));
}
