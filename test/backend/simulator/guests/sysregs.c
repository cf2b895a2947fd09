// Every encoding of MRS: which are there, and for whom. MSR where nothing can break.
#include "guest.h"

static u64 at_word(u64 word) { return call_word(word, 0); }

static void scan(const char *where, int el0) {
  quiet = 1;
  for (u64 encoding = 0x8000; encoding < 0x10000; encoding++) {
    u64 word = 0xd5200000 | encoding << 5;
    last.count = 0;
    if (el0) at_el0(at_word, word);
    else at_word(word);
    if (last.count && last.esr == 0x2000000) continue;
    text(where), put(' '), hex(encoding), put(' '), hex(last.count ? last.esr : 0), put('\n');
  }
  quiet = 0;
}

static void keep(const char *name, u64 word, u64 value) {
  u64 old = call_word(word | 1 << 21, 0);
  call_word(word, value);
  line(name, call_word(word | 1 << 21, 0));
  call_word(word, old);
}

void guest_main(void) {
  write(sctlr_el1, 0x30d50998 | 1 << 26);
  scan("EL1", 0);
  scan("EL0", 1);
  // x0 is stored; what comes back are the bits that are kept.
#define K(name, encoding) keep(#name, 0xd5000000 | (encoding) << 5, -1ull), keep(#name, 0xd5000000 | (encoding) << 5, 0)
  K(TPIDR_EL0, 0xde82);
  K(TPIDRRO_EL0, 0xde83);
  K(TPIDR_EL1, 0xc684);
  K(FAR_EL1, 0xc300);
  K(ELR_EL1, 0xc201);
  K(CNTV_CVAL_EL0, 0xdf1a);
  K(CNTP_CVAL_EL0, 0xdf12);
  K(PAR_EL1, 0xc3a0);
  K(MAIR_EL1, 0xc510);
  write(cntv_ctl_el0, 0);
  line("CNTV_CTL off", read(cntv_ctl_el0));
  write(cntv_cval_el0, 0);
  write(cntv_ctl_el0, 7);
  line("CNTV_CTL due, masked", read(cntv_ctl_el0));
  write(cntv_cval_el0, -1ull >> 1);
  line("CNTV_CTL not due", read(cntv_ctl_el0));
  write(cntv_tval_el0, -1000);
  line("CNTV_CTL behind", read(cntv_ctl_el0));
  write(cntv_tval_el0, 0x7fffffff);
  line("CNTV_CTL ahead", read(cntv_ctl_el0));
  line("CNTV_TVAL", read(cntv_tval_el0) >> 28);
  u64 difference = read(cntv_cval_el0) - read(cntvct_el0);
  line("CVAL - CNT", difference >> 28);
  write(cntv_ctl_el0, 2);
  line("CNTFRQ", read(cntfrq_el0));
  u64 before = read(cntvct_el0);
  for (int i = 0; i < 100000; i++) sys("");
  line("the counter moves", read(cntvct_el0) > before);
}
