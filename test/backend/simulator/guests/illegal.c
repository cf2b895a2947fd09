// Illegal returns, the illegal execution state, misaligned pc.
#include "guest.h"

static void return_to(u64 spsr) {
  text("return with spsr ");
  hex(spsr);
  put('\n');
  // PSTATE is restored by the handler, behind the landing place.
  asm goto("adr x9, %l1\n msr elr_el1, x9\n msr spsr_el1, %0\n eret" ::"r"(spsr) : "x9", "memory" : landed);
landed:
  asm volatile("nop\n nop" ::: "memory");
  line("pstate", read(currentel) | read(spsel) | read(daif) | read(nzcv));
  sys("msr daifset, #15\n");
}

static u64 jump_to(u64 address) {
  asm volatile("adr x30, 1f\n ret %0\n 1:" ::"r"(address) : "x30", "memory");
  return 0;
}

static void misaligned_pc(u64 offset) {
  text("jump, offset ");
  hex(offset);
  put('\n');
  asm goto("adr x9, %l1\n str x9, [%0]" ::"r"(&resume_at) : "x9", "memory" : back);
  jump_to((u64)free_memory + offset);
back:
  line("far", last.far);
}

void guest_main(void) {
  write(sctlr_el1, 0x30d50998);
  static const u64 modes[] = {0x3c4, 0x3c5, 0x3c1, 0x3c8, 0x3c9, 0x3cd, 0x3c6, 0x3c7, 0x1d3};
  // Illegal ones land in the illegal state: the first instruction is refused, and the handler's return clears IL.
  for (unsigned i = 0; i < sizeof modes / 8; i++) {
    if ((modes[i] & 0x1f) == 4) continue;
    resume_pstate = 0x3c5;
    return_to(modes[i] | 0x60000000);
  }
  resume_pstate = 0x3c5;
  return_to(0x3c5 | 1 << 20); // IL in a legal SPSR
  resume_pstate = 0x3c5;
  return_to(0x45 | 0x90000000);
  resume_pstate = -1;
  misaligned_pc(1);
  misaligned_pc(2);
  misaligned_pc(3);
  text("in a page that has been executed\n");
  static const u32 code[] __attribute__((aligned(64))) = {0xd65f03c0, 0xd65f03c0};
  jump_to((u64)code);
  asm goto("adr x9, %l1\n str x9, [%0]" ::"r"(&resume_at) : "x9", "memory" : back);
  jump_to((u64)code + 2);
back:
  text("end\n");
}
