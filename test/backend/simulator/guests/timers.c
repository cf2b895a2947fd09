// The virtual and the physical timer as sources of interrupts, WFI and WFE that they end, and the serial port's interrupt.
#include "guest.h"

#define GICD 0x08000000ul
#define SGI_FRAME 0x080b0000ul
#define UART 0x09000000ul
#define at(type, address) (*(volatile type *)(address))
#define icc(op1, crn, crm, op2) "s3_" #op1 "_c" #crn "_c" #crm "_" #op2
#define rd(r) ({ u64 v_; asm volatile("mrs %0, " r : "=r"(v_)::"memory"); v_; })
#define wr(r, v) ({ asm volatile("msr " r ", %0\n isb" ::"r"((u64)(v)) : "memory"); })

enum { VIRTUAL = 27, PHYSICAL = 30, SERIAL = 33, TICKS = 5, PERIOD = 200000 };

static volatile u64 count[64];
static u64 early, spurious;

static void taken(u64 fiq) {
  u32 id = rd(icc(0, 12, 12, 0));
  if (id > 63) {
    spurious++;
    return;
  }
  count[id]++;
  if (id == VIRTUAL) {
    u64 due = read(cntv_cval_el0);
    early += read(cntvct_el0) < due;
    write(cntv_cval_el0, due + PERIOD);
    if (count[id] % TICKS == 0) write(cntv_ctl_el0, 3);
  } else if (id == PHYSICAL) {
    early += read(cntpct_el0) < read(cntp_cval_el0);
    if (count[id] % TICKS == 0) write(cntp_ctl_el0, 0);
    else write(cntp_tval_el0, PERIOD);
  } else if (id == SERIAL) at(u32, UART + 0x38) = 0;
  wr(icc(0, 12, 12, 1), id);
}

static void counted(const char *name, u64 id) {
  line(name, count[id]);
  line("  early", early), line("  spurious", spurious);
  // Whether the masked one is due again depends on the host.
  line("  CNTV_CTL", read(cntv_ctl_el0) & 3), line("  CNTP_CTL", read(cntp_ctl_el0));
}

static void wait_for(u64 id, u64 ticks, int halted) {
  sys("msr daifclr, #2");
  while (count[id] < ticks)
    if (halted) sys("wfi");
  sys("msr daifset, #2\n isb");
}

void guest_main(void) {
  on_interrupt = taken;
  at(u32, SGI_FRAME - 0x10000 + 0x14) = 0;
  at(u32, SGI_FRAME + 0x80) = -1;
  at(u32, SGI_FRAME + 0x100) = 1u << VIRTUAL | 1u << PHYSICAL;
  at(u32, GICD + 0x84) = -1;
  at(u32, GICD + 0x104) = 2;
  at(u32, GICD) = 3;
  wr(icc(0, 4, 6, 0), 0xff), wr(icc(0, 12, 12, 7), 1);

  for (int halted = 0; halted < 2; halted++) {
    count[VIRTUAL] = count[PHYSICAL] = 0;
    write(cntv_tval_el0, PERIOD);
    write(cntv_ctl_el0, 1);
    wait_for(VIRTUAL, TICKS, halted);
    counted("virtual", VIRTUAL);
    write(cntp_tval_el0, PERIOD);
    write(cntp_ctl_el0, 1);
    wait_for(PHYSICAL, TICKS, halted);
    counted("physical", PHYSICAL);
  }
  text("both at once\n");
  count[VIRTUAL] = count[PHYSICAL] = 0;
  write(cntv_tval_el0, PERIOD);
  write(cntp_tval_el0, PERIOD / 3);
  write(cntv_ctl_el0, 1);
  write(cntp_ctl_el0, 1);
  wait_for(VIRTUAL, TICKS, 1), wait_for(PHYSICAL, TICKS, 1);
  counted("virtual", VIRTUAL), counted("physical", PHYSICAL);

  text("the past, the far future, and a masked timer\n");
  count[VIRTUAL] = 0;
  write(cntv_tval_el0, -1);
  write(cntv_ctl_el0, 1);
  wait_for(VIRTUAL, 1, 0);
  write(cntv_ctl_el0, 0);
  counted("virtual", VIRTUAL);
  write(cntv_cval_el0, -1ull);
  write(cntv_ctl_el0, 1);
  line("far", read(cntv_ctl_el0)), line("ISR", read(isr_el1));
  write(cntv_cval_el0, 0);
  line("past", read(cntv_ctl_el0)), line("ISR", read(isr_el1));
  write(cntv_ctl_el0, 3);
  line("masked", read(cntv_ctl_el0)), line("ISR", read(isr_el1));
  write(cntv_ctl_el0, 2);
  line("off", read(cntv_ctl_el0)), line("ISR", read(isr_el1));

  text("WFI is ended by an interrupt that PSTATE masks, WFE by the event stream\n");
  write(cntv_tval_el0, PERIOD);
  write(cntv_ctl_el0, 1);
  sys("wfi");
  line("CTL", read(cntv_ctl_el0)), line("ISR", read(isr_el1));
  write(cntv_ctl_el0, 0);
  write(cntkctl_el1, 1 << 2 | 9 << 4);
  for (int i = 0; i < 20; i++) sys("wfe");
  line("CNTKCTL", read(cntkctl_el1));
  sys("sevl\n wfe");

  text("the serial port\n");
  at(u32, UART + 0x38) = 1 << 5;
  wait_for(SERIAL, 1, 1);
  counted("serial", SERIAL);
}
