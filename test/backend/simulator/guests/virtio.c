// Drives virtio devices by memory-mapped registers, as a driver should and as none should.
#include "guest.h"

#define SLOTS 32
#define SIZE 8
enum { FEATURES = 0x10, FEATURES_SEL = 0x14, DRIVER = 0x20, DRIVER_SEL = 0x24, QUEUE_SEL = 0x30, QUEUE_MAX = 0x34,
       QUEUE_NUM = 0x38, READY = 0x44, NOTIFY = 0x50, INTERRUPTS = 0x60, ACK = 0x64, STATUS = 0x70, DESC = 0x80,
       AVAIL = 0x90, USED = 0xa0, CONFIG = 0x100 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

static struct desc { u64 address; u32 length; uint16_t flags, next; } table[SIZE] __attribute__((aligned(16)));
static struct { volatile uint16_t flags, idx, ring[SIZE]; } avail __attribute__((aligned(4)));
static struct { volatile uint16_t flags, idx; volatile struct { u32 id, length; } ring[SIZE]; } used __attribute__((aligned(4)));
static struct desc indirect[4] __attribute__((aligned(16)));
static struct { u32 type, reserved; u64 sector; } header;
static u8 data[4096] __attribute__((aligned(16)));
static volatile u8 answer;
static u64 base;

static u32 get(u64 offset) { return *(volatile u32 *)(base + offset); }
static void set(u64 offset, u32 value) { *(volatile u32 *)(base + offset) = value; }
static void set64(u64 offset, u64 value) { set(offset, value), set(offset + 4, value >> 32); }

static int find(u32 id) {
  for (int slot = 0; slot < SLOTS; slot++) {
    base = 0x0a000000 + slot * 0x200;
    if (get(0) == 0x74726976 && get(8) == id) return 1;
  }
  return 0;
}

static void queue(int index, u64 size) {
  for (int i = 0; i < (int)sizeof avail; i++) ((u8 *)&avail)[i] = 0;
  for (int i = 0; i < (int)sizeof used; i++) ((u8 *)&used)[i] = 0;
  set(QUEUE_SEL, index);
  set(QUEUE_NUM, size);
  set64(DESC, (u64)table), set64(AVAIL, (u64)&avail), set64(USED, (u64)&used);
  set(READY, 1);
}

static void start(u64 features, int index) {
  set(STATUS, 0);
  set(STATUS, 1), set(STATUS, 3);
  set(DRIVER_SEL, 0), set(DRIVER, features);
  set(DRIVER_SEL, 1), set(DRIVER, features >> 32);
  set(STATUS, 11);
  queue(index, SIZE);
  set(STATUS, 15);
}

static struct desc *put_desc(int i, const volatile void *address, u32 length, u32 flags) {
  table[i] = (struct desc){(u64)address, length, flags, i + 1};
  return &table[i];
}

static void kick(int head, int index) {
  avail.ring[avail.idx % SIZE] = head;
  avail.idx++;
  set(NOTIFY, index);
}

// Waits for the device a while: QEMU's disks answer later.
static int done(uint16_t before) {
  for (int i = 0; i < 10000000; i++)
    if (used.idx != before || (get(STATUS) & 0x40)) return used.idx != before;
  return 0;
}

static void result(const char *name, uint16_t before) {
  int came = done(before);
  text(name);
  put(' '), hex(came);
  if (came) put(' '), hex(used.ring[before % SIZE].id), put(' '), hex(used.ring[before % SIZE].length);
  put(' '), hex(answer), put(' '), hex(get(INTERRUPTS)), put(' '), hex(get(STATUS) & 0xff);
  set(ACK, get(INTERRUPTS));
  put(' '), hex(get(INTERRUPTS)), put('\n');
}

static void request(const char *name, u32 type, u64 sector, u32 length, u32 flags) {
  uint16_t before = used.idx;
  answer = 0xee;
  header.type = type, header.sector = sector;
  put_desc(0, &header, 16, NEXT);
  if (length) put_desc(1, data, length, NEXT | flags);
  put_desc(length ? 2 : 1, &answer, 1, WRITE);
  kick(0, 0);
  result(name, before);
}

static u32 checksum(int length) {
  u32 sum = 0;
  for (int i = 0; i < length; i++) sum = sum * 31 + data[i];
  return sum;
}

static const u64 version1 = 1ul << 32;

static void block(void) {
  if (!find(2)) return text("no disk\n");
  line("version", get(4));
  line("sectors", *(volatile u64 *)(base + CONFIG));
  line("low byte", *(volatile u8 *)(base + CONFIG));
  set(FEATURES_SEL, 1);
  line("version 1", get(FEATURES) & 1);
  start(version1 | 1 << 28, 0);
  line("ready", get(READY));
  set(QUEUE_SEL, 7);
  line("no queue", get(QUEUE_MAX)), line("no queue", get(READY));
  set(QUEUE_SEL, 0);
  for (int i = 0; i < 4096; i++) data[i] = 0;
  request("read", 0, 0, 1024, WRITE);
  line("sum", checksum(1024));
  for (int i = 0; i < 4096; i++) data[i] = i * 7;
  request("write", 1, 3, 1536, 0);
  for (int i = 0; i < 4096; i++) data[i] = 0;
  request("read back", 0, 2, 2560, WRITE);
  line("sum", checksum(2560));
  request("flush", 4, 0, 0, 0);
  request("beyond", 0, 1000000, 512, WRITE);
  request("across the end", 0, 127, 1024, WRITE);
  request("not a sector", 0, 0, 100, WRITE);
  request("strange", 99, 0, 512, WRITE);
  // In pieces, and by an indirect table.
  uint16_t before = used.idx;
  header.type = 0, header.sector = 2, answer = 0xee;
  put_desc(0, &header, 5, NEXT), put_desc(1, (u8 *)&header + 5, 11, NEXT);
  put_desc(2, data, 100, NEXT | WRITE), put_desc(3, data + 100, 412, NEXT | WRITE), put_desc(4, &answer, 1, WRITE);
  kick(0, 0);
  result("pieces", before);
  line("sum", checksum(512));
  before = used.idx, answer = 0xee;
  indirect[0] = (struct desc){(u64)&header, 16, NEXT, 2};
  indirect[2] = (struct desc){(u64)data, 512, NEXT | WRITE, 1};
  indirect[1] = (struct desc){(u64)&answer, 1, WRITE, 0};
  put_desc(5, indirect, 48, INDIRECT);
  kick(5, 0);
  result("indirect", before);
  line("sum", checksum(512));
  // Silence, when it is wanted.
  avail.flags = 1;
  request("silent", 0, 0, 512, WRITE);
}

static void refused(uint16_t before) {
  text("enemy ");
  hex(done(before)), put(' ');
  // QEMU also tells of buffers.
  hex(get(INTERRUPTS) & 2), put(' '), hex(get(STATUS) & 0xff), put('\n');
  set(ACK, get(INTERRUPTS));
}

// Each of these ends with DEVICE_NEEDS_RESET, and after a reset all is well again.
static void enemies(void) {
  for (int i = 0; i < 9; i++) {
    start(version1 | 1 << 28, 0);
    uint16_t before = used.idx;
    answer = 0xee;
    header.type = 0, header.sector = 0;
    put_desc(0, &header, 16, NEXT), put_desc(1, data, 512, NEXT | WRITE), put_desc(2, &answer, 1, WRITE);
    int head = 0;
    switch (i) {
      case 0: head = SIZE; break;                                     // no such descriptor
      case 1: table[1].next = SIZE + 3; break;                        // nor this
      case 2: table[2].flags = WRITE | NEXT, table[2].next = 1; break;  // for ever
      case 3: avail.idx += 100; break;                                // more than there can be
      case 4: table[1].flags = NEXT | WRITE, table[2].flags = 0; break;  // read behind written
      case 5: put_desc(1, indirect, 48, INDIRECT | NEXT); indirect[0] = (struct desc){(u64)indirect, 48, INDIRECT, 0};
              table[0] = table[1]; break;
      case 6: put_desc(0, indirect, 40, INDIRECT); break;             // two and a half
      case 7: put_desc(0, &header, 15, NEXT); break;                  // too short a header
      case 8: put_desc(1, data, 0, NEXT | WRITE); break;              // nothing
    }
    kick(head, 0);
    refused(before);
    request("afterwards", 0, 0, 512, WRITE);
  }
  start(version1, 0);
  request("well again", 0, 0, 512, WRITE);
}

static void entropy(void) {
  if (!find(4)) return text("no entropy\n");
  start(version1, 0);
  uint16_t before = used.idx;
  for (int i = 0; i < 64; i++) data[i] = 0;
  put_desc(0, data, 64, WRITE);
  kick(0, 0);
  result("entropy", before);
  int zeros = 0;
  for (int i = 0; i < 64; i++) zeros += !data[i];
  line("few zeros", zeros < 16);
}

static void console(void) {
  if (!find(3)) return text("no console\n");
  start(version1, 1);
  uint16_t before = used.idx;
  const char *words = "hello from virtio\n";
  put_desc(0, words, 5, NEXT), put_desc(1, words + 5, 13, 0);
  kick(0, 1);
  result("console", before);
}

void guest_main(void) {
  answer = 0;
  block();
  enemies();
  answer = 0;
  entropy();
  console();
}
