// A GICv2: its registers, what becomes of interrupts, and random accesses.
#include "guest.h"
typedef uint16_t u16;

#define GICD 0x08000000ul
#define GICC 0x08010000ul
#define at(type, address) (*(volatile type *)(address))

enum { CTLR = 0, PMR = 4, BPR = 8, IAR = 0xc, EOIR = 0x10, RPR = 0x14, HPPIR = 0x18, ABPR = 0x1c, DIR = 0x1000 };

static u32 d(u32 offset) { return at(u32, GICD + offset); }
static u32 c(u32 offset) { return at(u32, GICC + offset); }
static void set(u32 offset, u32 value) {
  at(u32, GICC + offset) = value;
  sys("dsb sy\n isb");
}
static void bit(u32 offset, u32 intid) {
  at(u32, GICD + offset + intid / 32 * 4) = 1u << intid % 32;
  sys("dsb sy\n isb");
}
static void group(u32 intid, int one) {
  volatile u32 *r = &at(u32, GICD + 0x80 + intid / 32 * 4);
  *r = (*r & ~(1u << intid % 32)) | (u32)one << intid % 32;
}
static void priority(u32 intid, u8 p) { at(u8, GICD + 0x400 + intid) = p; }
static void enable(u32 intid, int g, u8 p) {
  group(intid, g);
  priority(intid, p);
  bit(0x100, intid);
}
static void pend(u32 intid) {
  // SGIs have a source.
  if (intid < 16) at(u8, GICD + 0xf20 + intid) = 1;
  else bit(0x200, intid);
}
static void unmasked(void) { sys("msr daifclr, #3\n isb\n nop\n nop\n msr daifset, #3\n isb"); }

static void state(void) {
  text("  rpr "), hex(c(RPR));
  text(" isr "), hex(read(isr_el1));
  text(" private "), hex(d(0x200)), put(' '), hex(d(0x300));
  text(" spi "), hex(d(0x204)), put(' '), hex(d(0x304)), put(' '), hex(d(0x220)), put(' '), hex(d(0x320));
  put('\n');
}

static void registers(void) {
  static const u32 distributor[] = {0, 0x80, 0x84, 0x100, 0x104, 0x200, 0x300, 0x400, 0x420, 0x800, 0x820, 0xc00, 0xc04, 0xc08,
                                    0xf00, 0xf10, 0xf20, 0xfd0, 0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc};
  for (unsigned i = 0; i < sizeof distributor / 4; i++) line("GICD", distributor[i]), line(" ", d(distributor[i]));
  static const u32 interface[] = {CTLR, PMR, IAR, RPR, HPPIR, 0xfc, 0x2c, 0x100};
  for (unsigned i = 0; i < sizeof interface / 4; i++) line("GICC", interface[i]), line(" ", c(interface[i]));
  line("beyond the distributor", d(0x1000));
  line("beyond the interface", c(0x2000));
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
  kept("GICD_ISENABLER0", GICD + 0x100);
  kept("GICD_ISPENDR0", GICD + 0x200);
  kept("GICC_CTLR", GICC);
  for (u32 v = 0; v < 256; v += 8) set(PMR, v), line("PMR", c(PMR));
  for (u32 v = 3; v < 8; v++) set(BPR, v), set(ABPR, v), line("BPR", c(BPR)), line("ABPR", c(ABPR));
  at(u8, GICD + 0x105) = 0x5a, at(u16, GICD + 0x106) = 0x1234, line("enabled", d(0x104));
  line("byte", at(u8, GICD + 0x105)), line("half", at(u16, GICD + 0x106));
  at(u16, GICD + 0x184) = -1, at(u8, GICD + 0x187) = -1, line("enabled", d(0x104));
  at(u32, GICD + 0x184) = -1;
}

static int depth, split;
static void taken(u64 fiq) {
  u32 id = c(IAR), intid = id & 0x3ff;
  for (int i = 0; i <= depth; i++) text("  ");
  text(fiq ? "FIQ " : "IRQ "), hex(id), text(" rpr "), hex(c(RPR)), put('\n');
  if (intid >= 1020) return;
  if (intid >= 60) pend(intid + 1);
  if (depth++ < 9) unmasked();
  depth--;
  set(EOIR, id);
  if (split) state(), set(DIR, id);
}

// QEMU 7.2 compares priorities of groups with different binary points in its own way.
static void binary_point(u32 point) {
  set(BPR, point);
  set(ABPR, point + 1);
}

static void timer(u64 control) {
  write(cntv_ctl_el0, control);
  state();
}

static void scenarios(u32 control) {
  line("GICC_CTLR", control);
  set(CTLR, control);
  static const u8 nested[] = {0xf0, 0xc8, 0xa0, 0x78, 0x50, 0x28, 0x00};
  for (u32 point = 2; point < 7; point++) {
    line("BPR", point);
    binary_point(point);
    enable(40, 0, 0xa0), enable(41, 0, 0x98), enable(42, 0, 0x60), enable(50, 1, 0x58), enable(51, 1, 0x80);
    pend(40), unmasked();
    pend(42), pend(41), pend(51), pend(50), pend(40), unmasked();
    state();
    for (unsigned i = 0; i < sizeof nested; i++) enable(60 + i, i & 1, nested[i]);
    pend(60), unmasked(), state();
  }
  binary_point(2);
  for (u32 mask = 0; mask < 0x100; mask += 0x18) {
    set(PMR, mask);
    enable(40, 0, 0x90);
    pend(40), unmasked(), state();
    bit(0x280, 40);
  }
  set(PMR, 0xff);
  pend(40), line("acknowledged", c(IAR)), pend(40), state(), line("again", c(IAR));
  set(EOIR, 40), state(), unmasked(), state();
  bit(0x300, 40), pend(40), state(), bit(0x380, 40), state(), bit(0x280, 40), state();
  set(CTLR, control | 1 << 9), split = 1;
  pend(40), unmasked(), state();
  pend(40), line("acknowledged", c(IAR)), set(EOIR, 40), state(), set(DIR, 41), state(), set(DIR, 40), state();
  set(CTLR, control), split = 0;
  pend(40), line("acknowledged", c(IAR)), set(EOIR, 40), state();
  for (int i = 0; i < 16; i++) enable(i, 0, i * 16);
  for (u32 filter = 0; filter < 3; filter++)
    for (u32 i = 0; i < 3; i++) at(u32, GICD + 0xf00) = filter << 24 | i << 16 | (filter * 3 + i), state(), unmasked();
  pend(5), pend(7), line("SPENDSGIR1", d(0xf24)), at(u8, GICD + 0xf17) = 1, line("CPENDSGIR1", d(0xf14)), unmasked(), state();
  enable(27, 0, 0x40);
  write(cntv_cval_el0, 0);
  timer(1);
  line("acknowledged", c(IAR)), state(), set(EOIR, 27), state();
  bit(0x280, 27), state(), timer(3), state(), bit(0x280, 27);
  timer(0), bit(0x180, 27), state();
  static const u32 ids[] = {32, 287, 288, 1019, 1020, 1022, 1023};
  for (unsigned i = 0; i < sizeof ids / 4; i++) set(EOIR, ids[i]), set(DIR, ids[i]);
  state();
}

static u64 seed = 0x2545f4914f6cdd1d;
static u32 random(u32 below) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return (seed >> 20) % below;
}

static void one(void) {
  u32 intid = random(3) ? random(32) : 32 + random(6) * 51;
  switch (random(22)) {
    case 0: case 1: case 2: pend(intid); break;
    case 3: bit(0x280, intid); break;
    case 4: case 5: case 6: bit(0x100, intid); break;
    case 7: bit(0x180, intid); break;
    case 8: if (intid < 32) bit(0x300, intid); break; // QEMU 7.2: what sets it for SPIs is not cleared by their end
    case 9: bit(0x380, intid); break;
    case 10: group(intid, random(2)); break;
    case 11: priority(intid, random(256) & ~7); break;
    case 12: at(u32, GICD + 0x400 + (intid & ~3)) = random(-1u) & 0xf8f8f8f8; break;
    case 13: set(PMR, random(4) ? 0xff : random(32) * 8); break;
    case 14: if (c(RPR) == 0xff) binary_point(2 + random(5)); break;
    case 15: at(u32, GICD + 0xf00) = random(3) << 24 | random(2) << 16 | random(16); break;
    case 16: case 17: case 18: line("IAR", c(IAR)); break;
    case 19: set(EOIR, random(4) ? intid : random(0x400)); break;
    case 20: set(CTLR, 7 | (random(2) ? 1 << 9 : 0) | (random(2) ? 1 << 4 : 0) | (random(2) ? 1 << 3 : 0)); break;
    case 21: at(u8, GICD + 0xf10 + random(32)) = 1; break;
  }
}

void guest_main(void) {
  on_interrupt = taken;
  registers();
  bits();
  at(u32, GICD) = 3;
  set(PMR, 0xff);
  scenarios(7);
  scenarios(7 | 1 << 3);
  scenarios(7 | 1 << 4);
  text("random\n");
  for (int i = 0; i < 6000; i++) {
    one(), state();
    if (i % 64) continue;
    for (int n = 0; n < 32; n++) set(EOIR, 32), set(EOIR, 33);
    for (int n = 0; n < 9; n++) at(u32, GICD + 0x380 + 4 * n) = -1;
    group(32, 0), group(33, 1);
  }
}
