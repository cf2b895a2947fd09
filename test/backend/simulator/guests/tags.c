// Tagged addresses: branches drop the tag where TBI ignores it, accesses and FAR keep it.
#include "guest.h"

static u64 table[512] __attribute__((aligned(4096)));

static void branch(const char *name, u64 address) {
  text(name), put('\n');
  asm goto("adr x9, %l1\n str x9, [%0]" ::"r"(&resume_at) : "x9", "memory" : back);
  asm volatile("mov x10, x30\n blr %0\n mov x30, x10" ::"r"(address) : "x10", "x30", "memory");
  resume_at = 0;
back:
  return;
}

static void returning(const char *name, u64 address) {
  text(name), put('\n');
  asm goto("adr x9, %l1\n str x9, [%0]" ::"r"(&resume_at) : "x9", "memory" : back);
  asm volatile("msr elr_el1, %0\n msr spsr_el1, %1\n eret" ::"r"(address), "r"(0x3c5ull) : "memory");
back:
  return;
}

static void all(u64 upper) {
  u64 code = (u64)free_memory | upper, tag = 0x5aull << 56, flip = (upper ? 0x0full : 0xf0ull) << 56;
  // SVC #1; RET
  ((u32 *)free_memory)[0] = 0xd4000021;
  ((u32 *)free_memory)[1] = 0xd65f03c0;
  branch("branch", code);
  branch("branch, tag", (code & ~(0xffull << 56)) | tag);
  branch("branch, other sign", code ^ flip);
  returning("eret, tag", (code & ~(0xffull << 56)) | tag);
  text("data, tag\n");
  last.count = 0;
  volatile u64 *data = (u64 *)((code & ~(0xffull << 56)) | tag);
  u64 value = *data;
  line("value", last.count ? 0 : value);
  text("data, tag, not mapped\n");
  asm volatile("ldr x9, [%0]" ::"r"((u64)data + 0x2000000000) : "x9", "memory");
  text("branch, tag, not mapped\n");
  branch("", ((code & ~(0xffull << 56)) | tag) + 0x2000000000);
}

void guest_main(void) {
  for (u64 i = 0; i < 4; i++) table[i] = i << 30 | 1 << 10 | (i == 1 ? 0 : 1 << 2) | 1;
  write(mair_el1, 0x00ff);
  write(ttbr0_el1, table);
  write(ttbr1_el1, table);
  for (u64 tbi = 0; tbi < 4; tbi++) {
    line("TBI", tbi);
    write(sctlr_el1, 0x30d50998);
    write(tcr_el1, 25 | 25 << 16 | 2ull << 30 | 2ull << 32 | tbi << 37);
    sys("dsb sy\n tlbi vmalle1\n dsb sy\n isb");
    write(sctlr_el1, 0x30d50999);
    all(0);
    all(0xffffff8000000000);
  }
}
