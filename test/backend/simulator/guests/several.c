// Four CPUs, and interrupts among them, by a GICv3 or a GICv2: who gets what.
#include "guest.h"

#define GICD 0x08000000ul
#define GICC 0x08010000ul
#define GICR 0x080a0000ul
#define at(type, address) (*(volatile type *)(address))
#define icc(op1, crn, crm, op2) "s3_" #op1 "_c" #crn "_c" #crm "_" #op2
#define rd(r) ({ u64 v_; asm volatile("mrs %0, " r : "=r"(v_)::"memory"); v_; })
#define wr(r, v) ({ asm volatile("msr " r ", %0\n isb" ::"r"((u64)(v)) : "memory"); })

enum { CPUS = 4, VIRTUAL = 27, TICKS = 3, PERIOD = 200000 };

// What each CPU has taken: how often each interrupt, and the sum of what acknowledges told.
static volatile struct {
  u64 ready, count[64], sources, ticks;
} taken_by[CPUS] __attribute__((aligned(64)));
// What a CPU is to do next, and whether it has.
static volatile u64 order[CPUS], done[CPUS];
u64 stacks[CPUS][1024] __attribute__((aligned(16)));
static int v3;

static u64 self(void) { return read(mpidr_el1) & 0xff; }

static void interrupt(u64 fiq) {
  u64 cpu = self();
  u32 id = v3 ? rd(icc(0, 12, 12, 0)) : at(u32, GICC + 0xc);
  u32 intid = id & 0x3ff;
  if (intid > 1019) return;
  taken_by[cpu].sources += id >> 10;
  taken_by[cpu].count[intid & 63]++;
  if (intid == VIRTUAL) {
    write(cntv_cval_el0, read(cntv_cval_el0) + PERIOD);
    if (++taken_by[cpu].ticks == TICKS) write(cntv_ctl_el0, 0);
  }
  if (v3) wr(icc(0, 12, 12, 1), id);
  else at(u32, GICC + 0x10) = id;
  sys("dsb sy");
}

static void send(u64 list, int others, u32 intid) {
  sys("dsb sy");
  if (v3) wr(icc(0, 12, 11, 5), (u64)others << 40 | (u64)intid << 24 | list);
  else at(u32, GICD + 0xf00) = (others ? 1u << 24 : 0) | list << 16 | intid;
}

static void own_frames(u64 cpu) {
  if (v3) {
    u64 frame = GICR + cpu * 0x20000;
    at(u32, frame + 0x14) = 0;
    at(u32, frame + 0x10080) = -1;
    at(u32, frame + 0x10100) = 0xffff | 1 << VIRTUAL;
    for (int i = 0; i < 32; i += 4) at(u32, frame + 0x10400 + i) = 0x80808080;
    wr(icc(0, 4, 6, 0), 0xff), wr(icc(0, 12, 12, 7), 1);
  } else {
    at(u32, GICD + 0x100) = 0xffff | 1 << VIRTUAL;
    for (int i = 0; i < 32; i += 4) at(u32, GICD + 0x400 + i) = 0x80808080;
    at(u32, GICC + 4) = 0xff, at(u32, GICC) = 1;
  }
}

enum { WAIT, SEND_FIRST, SEND_OTHERS, SEND_SELF, TIME };

static void obey(u64 cpu, u64 what) {
  if (what == SEND_FIRST) send(1, 0, 8 + cpu);
  if (what == SEND_OTHERS) send(0, 1, 4);
  if (what == SEND_SELF) send(1 << cpu, 0, 5);
  if (what == TIME) {
    taken_by[cpu].ticks = 0;
    write(cntv_cval_el0, read(cntvct_el0) + PERIOD);
    write(cntv_ctl_el0, 1);
  }
}

void secondary(u64 cpu) {
  write(vbar_el1, vectors);
  own_frames(cpu);
  taken_by[cpu].ready = 1;
  for (;;) {
    sys("msr daifset, #3\n isb");
    if (order[cpu] == WAIT) sys("dsb sy\n wfi");
    u64 what = order[cpu];
    if (what != WAIT) {
      order[cpu] = WAIT;
      obey(cpu, what);
      done[cpu] = 1;
    }
    sys("msr daifclr, #3\n isb");
  }
}

asm(".text\n"
    "enter_secondary: ldr x1, =stacks\n"
    " add x2, x0, #1\n"
    " add x1, x1, x2, lsl #13\n"
    " mov sp, x1\n"
    " b secondary\n");
extern u8 enter_secondary[];

static u64 psci(u64 function, u64 a, u64 b, u64 c) {
  register u64 x0 asm("x0") = function, x1 asm("x1") = a, x2 asm("x2") = b, x3 asm("x3") = c;
  asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
               "x12", "x13", "x14", "x15", "x16", "x17");
  return x0;
}

// Until all interrupts of this number have been taken as often as they should.
static void settle(u32 intid, u64 wanted) {
  u64 end = read(cntvct_el0) + 62500000ul * 10, sum;
  do {
    sys("msr daifclr, #3\n isb\n msr daifset, #3\n isb");
    sum = 0;
    for (int cpu = 0; cpu < CPUS; cpu++) sum += taken_by[cpu].count[intid & 63];
  } while (sum != wanted && read(cntvct_el0) < end);
  text("  taken");
  for (int cpu = 0; cpu < CPUS; cpu++) put(' '), hex(taken_by[cpu].count[intid & 63]), put('/'), hex(taken_by[cpu].sources);
  put('\n');
  for (int cpu = 0; cpu < CPUS; cpu++) taken_by[cpu].count[intid & 63] = taken_by[cpu].sources = 0;
}

// The interrupt that brings the order is masked between a look at it and WFI, which so ends in any case.
// It may find the order before the interrupt does: two that wait at once would be taken as one.
static void command(u64 cpu, u64 what) {
  u64 before = taken_by[cpu].count[15];
  done[cpu] = 0;
  order[cpu] = what;
  sys("dsb sy");
  send(1 << cpu, 0, 15);
  while (!done[cpu] || taken_by[cpu].count[15] == before) sys("");
}

void guest_main(void) {
  v3 = read(id_aa64pfr0_el1) >> 24 & 1;
  on_interrupt = interrupt;
  own_frames(0);
  if (v3) at(u32, GICD) = 2;
  else at(u32, GICD) = 1;
  for (u64 cpu = 1; cpu < CPUS; cpu++) {
    line("CPU_ON", psci(0xc4000003, cpu, (u64)enter_secondary, cpu));
    while (!taken_by[cpu].ready) sys("");
  }
  line("CPU_ON again", psci(0xc4000003, 1, (u64)enter_secondary, 1));
  line("CPU_ON of none", psci(0xc4000003, CPUS, (u64)enter_secondary, 1));
  for (u64 list = 1; list < 16; list++) {
    line("list", list);
    send(list, 0, 3), settle(3, (list & 1) + (list >> 1 & 1) + (list >> 2 & 1) + (list >> 3));
  }
  text("all others\n");
  send(0, 1, 3), settle(3, CPUS - 1);
  for (u64 cpu = 1; cpu < CPUS; cpu++) {
    line("CPU", cpu);
    command(cpu, SEND_FIRST), settle(8 + cpu, 1);
    command(cpu, SEND_OTHERS), settle(4, CPUS - 1);
    command(cpu, SEND_SELF), settle(5, 1);
    settle(15, taken_by[cpu].count[15]);
  }
  text("shared interrupts\n");
  for (u64 cpu = 0; cpu < CPUS; cpu++) {
    u32 intid = 40 + cpu;
    at(u32, GICD + 0x84) = v3 ? -1 : 0;
    at(u8, GICD + 0x400 + intid) = 0x80;
    if (v3) at(u64, GICD + 0x6000 + 8 * intid) = cpu;
    else at(u8, GICD + 0x800 + intid) = 1 << cpu;
    at(u32, GICD + 0x104) = 1 << (intid & 31);
    at(u32, GICD + 0x204) = 1 << (intid & 31);
    settle(intid, 1);
  }
  text("timers\n");
  for (u64 cpu = 1; cpu < CPUS; cpu++) command(cpu, TIME);
  obey(0, TIME);
  settle(VIRTUAL, CPUS * TICKS);
}
