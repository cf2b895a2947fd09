// The performance monitors as far as they do not depend on time: registers, traps, software increments, the interrupt.
#include "guest.h"

#define GICD 0x08000000ul
#define SGI_FRAME 0x080b0000ul
#define at(type, address) (*(volatile type *)(address))
#define icc(op1, crn, crm, op2) "s3_" #op1 "_c" #crn "_c" #crm "_" #op2
#define rd(r) ({ u64 v_; asm volatile("mrs %0, " r : "=r"(v_)::"memory"); v_; })
#define wr(r, v) ({ asm volatile("msr " r ", %0\n isb" ::"r"((u64)(v)) : "memory"); })
#undef write
#define write(name, v) wr(#name, v)

enum { PMU = 23, E = 1, P = 2, C = 4, LC = 64 };

static u64 interrupts;

static void taken(u64 fiq) {
  u32 id = rd(icc(0, 12, 12, 0));
  if (id > 1019) return;
  interrupts++;
  line("  interrupt", id);
  line("  flags", read(pmovsset_el0));
  write(pmovsclr_el0, -1);
  wr(icc(0, 12, 12, 1), id);
}

// What is left of a value. The mask has what this CPU and a Cortex-A57 both have.
#define KEEP(name, v, mask) (write(name, v), line(#name, read(name) & (mask)))
#define KEEPS(name, mask) (KEEP(name, -1ull, mask), KEEP(name, 0x5555555555555555, mask), KEEP(name, 0, mask))
#define TWINS(set, clear)                                                         \
  (write(set, 0x80000005), line(#set, read(set)), line(#clear, read(clear)),     \
   write(set, -1ull), line(#set, read(set)), write(clear, 0x4), line(#clear, read(clear)), write(set, 0), \
   line(#set, read(set)), write(clear, -1ull), line(#clear, read(clear)))

enum { TYPE = 0xc00003ff, FILTER = 0xc0000000 };

static void registers(void) {
  line("DFR0.PMUVer", read(id_aa64dfr0_el1) >> 8 & 15);
  line("PMCR", read(pmcr_el0) & 0xffb9);
  // D is for AArch32; LP is from a later architecture, and QEMU 7.2 keeps it all the same.
  KEEP(pmcr_el0, ~1ull, 0xff77), KEEP(pmcr_el0, 0, 0xffff);
  line("PMCEID0", read(pmceid0_el0) & 0x20001);
  line("PMCEID1.0", read(pmceid1_el0) & 1);
  TWINS(pmcntenset_el0, pmcntenclr_el0);
  TWINS(pmovsset_el0, pmovsclr_el0);
  TWINS(pmintenset_el1, pmintenclr_el1);
  KEEPS(pmselr_el0, -1ull);
  KEEPS(pmuserenr_el0, -1ull);
  KEEPS(pmccntr_el0, -1ull);
  KEEPS(pmccfiltr_el0, FILTER);
#define COUNTER(n) KEEPS(pmevcntr##n##_el0, -1ull), KEEPS(pmevtyper##n##_el0, TYPE)
  COUNTER(0), COUNTER(1), COUNTER(2), COUNTER(3), COUNTER(4), COUNTER(5);
  for (u64 n = 0; n < 32; n++) {
    write(pmselr_el0, n);
    write(pmxevtyper_el0, 0xc0000000 + n), write(pmxevcntr_el0, 0x1000 + n);
    line("selected", n), line("  type", read(pmxevtyper_el0) & TYPE), line("  count", read(pmxevcntr_el0));
  }
  line("PMEVTYPER3", read(pmevtyper3_el0) & TYPE), line("PMEVCNTR5", read(pmevcntr5_el0));
  line("PMCCFILTR", read(pmccfiltr_el0) & FILTER), line("PMCCNTR", read(pmccntr_el0));
  write(pmccntr_el0, 77);
  write(pmcr_el0, P), line("P", read(pmevcntr5_el0)), line("  PMCCNTR", read(pmccntr_el0));
  write(pmevcntr5_el0, 78);
  write(pmcr_el0, C), line("C", read(pmevcntr5_el0)), line("  PMCCNTR", read(pmccntr_el0));
  write(pmccfiltr_el0, 0), write(pmevtyper0_el0, 0), write(pmevtyper1_el0, 0), write(pmevtyper2_el0, 0);
}

static void flags(const char *name) {
  text(name), put('\n');
  line("  count 0", read(pmevcntr0_el0)), line("  count 1", read(pmevcntr1_el0));
  line("  flags", read(pmovsset_el0)), line("  isr", read(isr_el1));
  line("  pending", at(u32, SGI_FRAME + 0x200) & 1u << PMU);
}

static u64 increment(u64 counters) {
  write(pmswinc_el0, counters);
  return 0;
}

static void increments(void) {
  write(pmcr_el0, P | LC);
  increment(3), flags("everything off");
  write(pmcntenset_el0, 1), increment(3), flags("E is clear");
  write(pmcr_el0, E), increment(3), increment(3), flags("one of two");
  write(pmcntenset_el0, 2), increment(2), increment(3), flags("both");
  write(pmevtyper1_el0, 1u << 31), increment(3), flags("the other not at EL1");
  write(pmuserenr_el0, 2), at_el0(increment, 3), flags("both at EL0");
  write(pmevtyper0_el0, 1u << 30), at_el0(increment, 3), flags("one not at EL0");
  write(pmevtyper0_el0, 0), write(pmevtyper1_el0, 0), write(pmuserenr_el0, 0);
  increment(0x8000003c), line("PMCCNTR", read(pmccntr_el0));

  write(pmevcntr0_el0, 0xfffffffe), increment(1), flags("before the overflow");
  increment(1), flags("overflow, no interrupt");
  write(pmintenset_el1, 1), flags("interrupt enabled");
  // QEMU 7.2 does not look at E by itself.
  write(pmcr_el0, 0), write(pmintenset_el1, 0), flags("E off"), write(pmcr_el0, E), write(pmintenset_el1, 0), flags("E on");
  write(pmcntenclr_el0, 1), flags("counter off"), write(pmcntenset_el0, 1);
  write(pmovsclr_el0, 1), flags("cleared");
  write(pmovsset_el0, 2), flags("set by hand, not enabled");
  write(pmintenset_el1, 2), flags("enabled"), write(pmintenclr_el1, 2), flags("disabled");
  write(pmovsclr_el0, -1);

  text("unmasked\n");
  sys("msr daifclr, #2");
  write(pmevcntr0_el0, 0xffffffff), increment(1), line("interrupts", interrupts);
  write(pmovsset_el0, 1), line("interrupts", interrupts);
  increment(1), line("count 0", read(pmevcntr0_el0));
  write(pmuserenr_el0, 2), write(pmevcntr0_el0, 0xffffffff);
  el0_pstate = 0, at_el0(increment, 1), line("interrupts", interrupts), el0_pstate = 0x3c0;
  sys("msr daifset, #2");
}

static u64 overflows(u64 cycles) {
  for (u64 n = 0; n < cycles; n++) sys("");
  // QEMU 7.2 may see an overflow not before somebody looks.
  (void)read(pmccntr_el0);
  return read(pmovsset_el0) & 1u << 31;
}

static void cycles(void) {
  text("cycles\n");
  write(pmovsclr_el0, -1), write(pmintenclr_el1, -1), write(pmcntenset_el0, 1u << 31);
  write(pmcr_el0, E), write(pmccntr_el0, 0xffffff00), line("32 bits", overflows(2000000));
  line("count", read(pmccntr_el0) >> 32);
  write(pmovsclr_el0, -1);
  write(pmcr_el0, E | LC), write(pmccntr_el0, 0xffffff00), line("64 bits", overflows(2000000));
  write(pmccntr_el0, -256ull), line("64 bits over", overflows(2000000)), line("count", read(pmccntr_el0) >> 32);
  write(pmovsclr_el0, -1);
  write(pmccfiltr_el0, 3u << 30), write(pmccntr_el0, 5), overflows(1000), line("filtered", read(pmccntr_el0));
  write(pmccfiltr_el0, 0), write(pmintenset_el1, 1u << 31), write(pmccntr_el0, -2000ull);
  interrupts = 0;
  sys("msr daifclr, #2");
  while (!interrupts) sys("");
  sys("msr daifset, #2");
  write(pmcr_el0, 0), write(pmcntenclr_el0, -1);
}

static u64 run_word(u64 word) { return call_word(word, 0); }

static void traps(void) {
  // All registers of the monitors but those of the counters, whose accesses QEMU 7.2 traps as if ER were not there.
  static const u32 encodings[] = {0xdce0, 0xdce1, 0xdce2, 0xdce3, 0xdce4, 0xdce5, 0xdce6, 0xdce7, 0xdce8, 0xdce9, 0xdcea,
                                  0xdcf0, 0xdcf3, 0xc4f1, 0xc4f2, 0xdf7f, 0xdf60, 0xdf65, 0xdf66, 0xdf46};
  for (u64 enable = 0; enable < 16; enable++) {
    write(pmuserenr_el0, enable);
    line("PMUSERENR", enable);
    for (unsigned i = 0; i < sizeof encodings / 4; i++)
      for (int reads = 0; reads < 2; reads++) {
        quiet = 1, last.count = 0;
        at_el0(run_word, 0xd5000000 | (u64)reads << 21 | (u64)encodings[i] << 5);
        quiet = 0;
        text(reads ? "  mrs " : "  msr "), hex(encodings[i]), put(' '), hex(last.count ? last.esr : 0), put('\n');
      }
  }
}

void guest_main(void) {
  on_interrupt = taken;
  write(sctlr_el1, 0x30d50998 | 1 << 26);
  at(u32, SGI_FRAME - 0x10000 + 0x14) = 0;
  at(u32, SGI_FRAME + 0x80) = -1;
  at(u32, SGI_FRAME + 0x100) = 1u << PMU;
  at(u32, GICD) = 3;
  wr(icc(0, 4, 6, 0), 0xff), wr(icc(0, 12, 12, 7), 1);
  registers();
  increments();
  cycles();
  traps();
}
