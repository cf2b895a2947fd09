// A GICv3: its registers, what becomes of interrupts, and random accesses.
#include "guest.h"
typedef uint16_t u16;

#define GICD 0x08000000ul
#define GICR 0x080a0000ul
#define SGI_FRAME (GICR + 0x10000)
#define at(type, address) (*(volatile type *)(address))
#define icc(op1, crn, crm, op2) "s3_" #op1 "_c" #crn "_c" #crm "_" #op2
#define rd(r) ({ u64 v_; asm volatile("mrs %0, " r : "=r"(v_)::"memory"); v_; })
#define wr(r, v) ({ asm volatile("msr " r ", %0\n isb" ::"r"((u64)(v)) : "memory"); })
#define IAR(g) (g ? rd(icc(0, 12, 12, 0)) : rd(icc(0, 12, 8, 0)))
#define EOIR(g, v) ({ if (g) wr(icc(0, 12, 12, 1), v); else wr(icc(0, 12, 8, 1), v); })
#define HPPIR0 icc(0, 12, 8, 2)
#define HPPIR1 icc(0, 12, 12, 2)
#define BPR0 icc(0, 12, 8, 3)
#define BPR1 icc(0, 12, 12, 3)
#define AP0R0 icc(0, 12, 8, 4)
#define AP1R0 icc(0, 12, 9, 0)
#define CTLR icc(0, 12, 12, 4)
#define SRE icc(0, 12, 12, 5)
#define IGRPEN0 icc(0, 12, 12, 6)
#define IGRPEN1 icc(0, 12, 12, 7)
#define PMR icc(0, 4, 6, 0)
#define RPR icc(0, 12, 11, 3)
#define DIR icc(0, 12, 11, 1)
#define SGI1R icc(0, 12, 11, 5)
#define ASGI1R icc(0, 12, 11, 6)
#define SGI0R icc(0, 12, 11, 7)

static u32 d(u32 offset) { return at(u32, GICD + offset); }
static u64 frame(u32 intid) { return intid < 32 ? SGI_FRAME : GICD; }
static void bit(u32 offset, u32 intid) { at(u32, frame(intid) + offset + intid / 32 * 4) = 1u << intid % 32; }
static void group(u32 intid, int one) {
  volatile u32 *r = &at(u32, frame(intid) + 0x80 + intid / 32 * 4);
  *r = (*r & ~(1u << intid % 32)) | (u32)one << intid % 32;
}
static void priority(u32 intid, u8 p) { at(u8, frame(intid) + 0x400 + intid) = p; }
static void enable(u32 intid, int g, u8 p) {
  group(intid, g);
  priority(intid, p);
  bit(0x100, intid);
}
static void pend(u32 intid) { bit(0x200, intid); }

static void state(void) {
  text("  hppir "), hex(rd(HPPIR0)), put(' '), hex(rd(HPPIR1));
  text(" rpr "), hex(rd(RPR));
  text(" apr "), hex(rd(AP0R0)), put(' '), hex(rd(AP1R0));
  text(" isr "), hex(read(isr_el1));
  text(" sgi "), hex(at(u32, SGI_FRAME + 0x200)), put(' '), hex(at(u32, SGI_FRAME + 0x300));
  text(" spi "), hex(d(0x204)), put(' '), hex(d(0x304)), put(' '), hex(d(0x220)), put(' '), hex(d(0x320));
  put('\n');
}

static void registers(void) {
  static const u32 distributor[] = {0, 4, 8, 0xc, 0x10, 0x84, 0x104, 0x204, 0x304, 0x420, 0x820, 0xc08, 0x6100, 0x6104,
                                    0xffd0, 0xffd4, 0xffe0, 0xffe4, 0xffe8, 0xffec, 0xfff0, 0xfff4, 0xfff8, 0xfffc};
  for (unsigned i = 0; i < sizeof distributor / 4; i++) {
    // QEMU 7.2 has LPIs, and counts its interrupts without the private ones.
    u32 differs = distributor[i] == 4 ? 1 << 17 | 0x1f : 0;
    line("GICD", distributor[i]), line(" ", d(distributor[i]) & ~differs);
  }
  static const u32 redistributor[] = {4, 0xc, 0x10, 0x14, 0xffd0, 0xffe0, 0xffe4, 0xffe8, 0xfffc, 0x10080, 0x10100,
                                      0x10200, 0x10300, 0x10400, 0x10c00, 0x10c04, 0x10d00, 0x10e00};
  for (unsigned i = 0; i < sizeof redistributor / 4; i++)
    line("GICR", redistributor[i]), line(" ", at(u32, GICR + redistributor[i]));
  line("TYPER", at(u64, GICR + 8) & ~(1 << 24 | 1));
  line("CTLR", rd(CTLR)), line("SRE", rd(SRE)), line("PMR", rd(PMR)), line("RPR", rd(RPR));
  line("BPR0", rd(BPR0)), line("BPR1", rd(BPR1)), line("IGRPEN", rd(IGRPEN0) * 2 + rd(IGRPEN1));
  line("IAR0", IAR(0)), line("IAR1", IAR(1)), line("HPPIR0", rd(HPPIR0)), line("HPPIR1", rd(HPPIR1));
  // Behind the last CPU there is nothing.
  line("beyond", at(u32, GICR + 0x20000));
}

static void kept(const char *name, u64 address) {
  at(u32, address) = -1;
  line(name, at(u32, address));
  at(u32, address) = 0;
  line(name, at(u32, address));
}

static void bits(void) {
  kept("GICD_CTLR", GICD);
  kept("GICD_IGROUPR1", GICD + 0x84);
  kept("GICD_IGROUPR0", GICD + 0x80);
  kept("GICD_ICFGR2", GICD + 0xc08);
  kept("GICD_ITARGETSR8", GICD + 0x820);
  kept("GICD_IGRPMODR1", GICD + 0xd04);
  kept("GICR_WAKER", GICR + 0x14);
  kept("GICR_IGROUPR0", SGI_FRAME + 0x80);
  kept("GICR_ICFGR0", SGI_FRAME + 0xc00);
  kept("GICR_ICFGR1", SGI_FRAME + 0xc04);
  at(u64, GICD + 0x6100) = 0x0000001200fffffful;
  line("GICD_IROUTER32", at(u64, GICD + 0x6100));
  at(u64, GICD + 0x6100) = 0;
  for (u64 v = 0; v < 256; v += 37) wr(PMR, v), line("PMR", rd(PMR));
  for (u64 v = 0; v < 8; v++) {
    wr(BPR0, v), line("BPR0", rd(BPR0));
    wr(BPR1, v), line("BPR1", rd(BPR1));
    wr(CTLR, v & 3), line("CTLR", rd(CTLR));
    wr(BPR1, 7 - v), line("BPR1", rd(BPR1));
    wr(CTLR, 0), line("BPR1", rd(BPR1));
  }
  wr(BPR0, 0), wr(BPR1, 0);
  wr(SRE, 0), line("SRE", rd(SRE));
  wr(AP1R0, 0x12345678), line("AP1R0", rd(AP1R0)), line("RPR", rd(RPR)), wr(AP1R0, 0);
}

// --- interrupts that are taken

static int depth, split;
static void unmasked(void) { sys("msr daifclr, #3\n isb\n nop\n nop\n msr daifset, #3\n isb"); }

static void taken(u64 fiq) {
  u32 intid = IAR(!fiq);
  for (int i = 0; i <= depth; i++) text("  ");
  text(fiq ? "FIQ " : "IRQ "), hex(intid), text(" rpr "), hex(rd(RPR)), put('\n');
  if (intid >= 1020) return;
  if (intid >= 60) pend(intid + 1);
  if (depth++ < 9) unmasked();
  depth--;
  EOIR(!fiq, intid);
  if (split) state(), wr(DIR, intid);
}

static void timer(u64 control) {
  write(cntv_ctl_el0, control);
  state();
}

static void scenarios(void) {
  text("priorities and preemption\n");
  for (int point = 2; point < 8; point++) {
    line("BPR", point);
    wr(BPR0, point), wr(BPR1, point);
    enable(40, 1, 0xa0), enable(41, 1, 0x98), enable(42, 1, 0x60), enable(50, 0, 0x58), enable(51, 0, 0x80);
    pend(40), unmasked();
    pend(42), pend(41), pend(51), pend(50), pend(40), unmasked();
    state();
  }
  wr(BPR0, 0), wr(BPR1, 0);
  text("nested: each makes the next one pending\n");
  static const u8 nested[] = {0xf0, 0xc8, 0xa0, 0x78, 0x50, 0x28, 0x00};
  for (unsigned i = 0; i < sizeof nested; i++) enable(60 + i, i & 1, nested[i]);
  for (unsigned i = 0; i < sizeof nested; i++) {
    pend(60 + i);
    state();
    u32 id = IAR(i & 1);
    line("acknowledged", id);
  }
  for (int i = sizeof nested - 1; i >= 0; i--) {
    EOIR(i & 1 ? 0 : 1, 60 + i), state(); // the wrong group
    EOIR(i & 1, 60 + i), state();
  }
  for (u64 point = 3; point < 8; point++) wr(BPR0, point), wr(BPR1, point), pend(60), unmasked(), state();
  wr(BPR0, 0), wr(BPR1, 0);
  text("priority mask\n");
  for (u64 mask = 0; mask < 0x100; mask += 0x18) {
    wr(PMR, mask);
    enable(40, 1, 0x90);
    pend(40), state();
    line("acknowledged", IAR(1));
    EOIR(1, 40);
    bit(0x280, 40);
  }
  wr(PMR, 0xff);
  text("active and pending\n");
  pend(40), line("acknowledged", IAR(1)), pend(40), state(), line("again", IAR(1));
  EOIR(1, 40), state(), line("acknowledged", IAR(1)), EOIR(1, 40), state();
  bit(0x300, 40), pend(40), state(), bit(0x380, 40), state(), bit(0x280, 40), state();
  text("end in two\n");
  wr(CTLR, 2), split = 1;
  pend(40), unmasked(), state();
  pend(40), line("acknowledged", IAR(1)), EOIR(1, 40), state(), EOIR(1, 40), wr(DIR, 41), state(), wr(DIR, 40), state();
  wr(CTLR, 0), split = 0;
  pend(40), line("acknowledged", IAR(1)), wr(DIR, 40), state(), EOIR(1, 40), state();
  text("common binary point\n");
  wr(CTLR, 1), wr(BPR0, 5);
  enable(40, 1, 0x98), enable(41, 1, 0x80), enable(42, 1, 0x78);
  pend(40), line("acknowledged", IAR(1)), pend(41), state(), pend(42), state(), unmasked(), EOIR(1, 40), unmasked(), state();
  wr(CTLR, 0), wr(BPR0, 0);
  text("groups\n");
  pend(40), wr(IGRPEN1, 0), state(), wr(IGRPEN1, 1), state();
  at(u32, GICD) = 1, state(), at(u32, GICD) = 2, state(), at(u32, GICD) = 3, state();
  group(40, 0), state(), group(40, 1), state();
  bit(0x180, 40), state(), bit(0x100, 40), unmasked(), state();
  text("software generated interrupts\n");
  for (int i = 0; i < 16; i++) enable(i, i & 1, i * 16);
  static const u64 sgi[] = {0x01000001, 0x02000001, 0x03000003, 0x04000000, 0x05000002, 0x06010001, 0x07000001 | 1ull << 40,
                            0x08000001 | 1ull << 32, 0x09000001 | 1ull << 48, 0x0f000001, 0x0e000001};
  for (unsigned i = 0; i < sizeof sgi / 8; i++) {
    wr(SGI1R, sgi[i]), state(), unmasked();
    wr(SGI0R, sgi[i]), state(), unmasked();
    wr(ASGI1R, sgi[i]), state(), unmasked();
  }
  text("routing\n");
  static const u64 routes[] = {0, 1, 0x100, 0x10000, 1ull << 32, 0};
  for (unsigned i = 0; i < sizeof routes / 8; i++) {
    at(u64, GICD + 0x6000 + 8 * 40) = routes[i];
    pend(40), state();
  }
  unmasked();
  text("the timer's line\n");
  enable(27, 1, 0x40);
  write(cntv_cval_el0, 0);
  timer(1);
  line("acknowledged", IAR(1)), state(), EOIR(1, 27), state();
  bit(0x280, 27), state(), bit(0x200, 27);
  timer(3), bit(0x280, 27), state();
  at(u32, SGI_FRAME + 0xc04) = 2u << 22; // an edge
  timer(1), line("acknowledged", IAR(1)), EOIR(1, 27), state();
  timer(0), timer(1), bit(0x280, 27), state();
  timer(0), at(u32, SGI_FRAME + 0xc04) = 0, bit(0x180, 27), state();
  text("spurious\n");
  line("IAR0", IAR(0)), line("IAR1", IAR(1));
  static const u32 ids[] = {32, 287, 288, 1019, 1020, 1022, 1023, 8192, 0xffffff};
  for (unsigned i = 0; i < sizeof ids / 4; i++) EOIR(0, ids[i]), EOIR(1, ids[i]), wr(DIR, ids[i]);
  state();
}

// --- random accesses

static u64 seed = 0x2545f4914f6cdd1d;
static u32 random(u32 below) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (seed >> 20) % below;
}

static void narrow(void) {
  // Widths that a register does not have: nothing is read, and nothing is written.
  for (int i = 0; i < 2000; i++) {
    u32 offset = random(16) ? 0x80 + random(0xc80) : random(0x10000);
    if (offset >= 0x400 && offset < 0x800) continue;
    u64 base = random(2) ? GICD : SGI_FRAME;
    if (i & 1) at(u16, base + (offset & ~1)) = random(0x10000);
    else at(u8, base + offset) = random(0x100);
    u64 v = i & 1 ? at(u16, base + (offset & ~1)) : at(u8, base + offset);
    if (v) line("narrow", offset), line("reads", v);
  }
  state();
}

static void one(void) {
  u32 intid = random(3) ? random(32) : 32 + random(6) * 51;
  u8 mask = ~7;
  switch (random(24)) {
    case 0: case 1: case 2: pend(intid); break;
    case 3: bit(0x280, intid); break;
    case 4: case 5: case 6: bit(0x100, intid); break;
    case 7: bit(0x180, intid); break;
    case 8: bit(0x300, intid); break;
    case 9: bit(0x380, intid); break;
    case 10: group(intid, random(2)); break;
    case 11: priority(intid, random(256) & mask); break;
    case 12: at(u32, frame(intid) + 0x400 + (intid & ~3)) = random(-1u) & 0xf8f8f8f8; break;
    case 13: wr(PMR, random(4) ? 0xff : random(256)); break;
    case 14: if (random(2)) wr(BPR0, random(8)); else wr(BPR1, random(8)); break;
    case 15: wr(CTLR, random(4)); break;
    case 16: wr(SGI1R, (u64)random(2) << 40 | random(16) << 24 | 1); break;
    case 17: wr(SGI0R, random(16) << 24 | 1); break;
    case 18: case 19: line("IAR0", IAR(0)); break;
    case 20: case 21: line("IAR1", IAR(1)); break;
    case 22: EOIR(random(2), random(4) ? intid : random(0x400)); break;
    case 23: wr(DIR, intid); break;
  }
}

void guest_main(void) {
  on_interrupt = taken;
  registers();
  bits();
  at(u32, GICR + 0x14) = 0;
  at(u32, GICD) = 3;
  wr(PMR, 0xff), wr(IGRPEN0, 1), wr(IGRPEN1, 1);
  scenarios();
  narrow();
  text("random\n");
  for (int i = 0; i < 6000; i++) {
    one(), state();
    if (i % 64) continue;
    wr(AP0R0, 0), wr(AP1R0, 0);
    at(u32, SGI_FRAME + 0x380) = -1;
    for (int n = 1; n < 9; n++) at(u32, GICD + 0x380 + 4 * n) = -1;
  }
}
