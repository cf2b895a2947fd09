// The second bank of flash: what it tells of itself, and what the commands of the Intel set do to it.
#include "guest.h"

#define BANK 0x04000000ul
#define BLOCK 0x40000ul
#define WORDS(offset) ((volatile u32 *)(BANK + (offset)))

static void command(u64 offset, u32 value) { *WORDS(offset) = value * 0x10001; }
static void show(const char *name, u64 offset, int count) {
  text(name);
  for (int i = 0; i < count; i++) put(' '), hex(WORDS(offset)[i]);
  put('\n');
}
static void array(void) { command(0, 0xff); }
static void status(const char *name) {
  command(0, 0x70);
  show(name, 0, 1);
}

static void program(u64 offset, u32 value) {
  command(offset, 0x40);
  *WORDS(offset) = value;
}

static void erase(u64 offset) {
  command(offset, 0x20);
  command(offset, 0xd0);
}

static void buffered(u64 offset, u32 count, u32 seed) {
  command(offset, 0xe8);
  show("buffer", offset, 1);
  command(offset, count - 1);
  for (u32 i = 0; i < count; i++) WORDS(offset)[i] = seed * (i + 1);
  command(offset, 0xd0);
}

static void queries(void) {
  command(0x55 * 4, 0x98);
  for (u64 i = 0; i < 0x58; i += 8) show("query", i * 4, 8);
  array();
  command(0, 0x90);
  show("identity", 0, 2);
  show("identity of a later block", 3 * BLOCK, 2);
  array();
  status("status");
  show("status further on", BLOCK + 16, 2);
  array();
}

static void widths(u64 offset) {
  line("bytes", *(volatile u8 *)(BANK + offset) | *(volatile u8 *)(BANK + offset + 3) << 8);
  line("half", *(volatile uint16_t *)(BANK + offset + 2));
  line("long", *(volatile u64 *)(BANK + offset));
}

void guest_main(void) {
  queries();
  show("before", 0, 4);
  erase(0);
  status("erased");
  command(0, 0x50);
  show("erased", 0, 2);
  show("end of the block", BLOCK - 8, 4);
  program(8, 0x12345678);
  status("programmed");
  array();
  show("programmed", 0, 4);
  widths(8);
  // A narrow write has its place.
  command(16, 0x40);
  *(volatile uint16_t *)(BANK + 18) = 0xabcd;
  command(16, 0x40);
  *(volatile u8 *)(BANK + 17) = 0x99;
  array();
  show("narrow", 16, 1);
  buffered(0x1000, 64, 0x01010101);
  status("buffer written");
  array();
  show("buffer written", 0xff8, 6);
  show("its end", 0x10f0, 6);
  // Locks are taken and forgotten.
  command(0, 0x60), command(0, 0x01);
  status("locked");
  command(0, 0x60), command(0, 0xd0);
  array();
  program(0x20, 0);
  array();
  show("unlocked", 0x20, 1);
  // What is no command reads the array.
  command(0, 0x33);
  show("no command", 8, 1);
  command(0, 0xf0);
  show("another maker's reset", 8, 1);
  // Another block, and the first one stays.
  erase(5 * BLOCK + 0x1234 * 4);
  array();
  show("fifth", 5 * BLOCK, 2);
  show("before the fifth", 5 * BLOCK - 8, 4);
  show("still there", 8, 1);
  erase(BLOCK * 255);
  array();
  show("last", 0x4000000 - 8, 2);
  line("from the other bank", *(volatile u32 *)(BANK - 4));
}
