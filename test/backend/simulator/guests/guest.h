// What the guests of the comparison tests share. One translation unit each: it is all in this file.
#pragma once
#include <stdint.h>
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

extern u64 el0_pstate, el0_offset, resume_pstate, el0_return;
extern u32 word_buffer[];
extern u8 free_memory[], vectors[];
u64 at_el0(u64 (*f)(u64), u64 argument);
u64 call_word(u64 word, u64 argument);
void power_off(void);
void guest_main(void);

#define read(name) ({ u64 value_; asm volatile("mrs %0, " #name : "=r"(value_)::"memory"); value_; })
#define write(name, v) asm volatile("msr " #name ", %0\n isb" ::"r"((u64)(v)) : "memory")
#define sys(text) asm volatile(text ::: "memory")
#define sys1(text, v) asm volatile(text ", %0" ::"r"((u64)(v)) : "memory")

static void put(char c) { *(volatile u32 *)0x09000000 = c; }
static void text(const char *s) {
  while (*s) put(*s++);
}
static void hex(u64 v) {
  int i = 60;
  while (i && !(v >> i)) i -= 4;
  for (; i >= 0; i -= 4) put("0123456789abcdef"[v >> i & 15]);
}
__attribute__((unused)) static void line(const char *name, u64 v) {
  text(name);
  put(' ');
  hex(v);
  put('\n');
}

// The last exception, and how often there was one.
static struct { u64 vector, esr, far, elr, spsr, count; } last;
static int quiet;        // exceptions are not printed
static u64 resume_at;    // where to go on, once; 0: behind the instruction
static void (*on_interrupt)(u64 fiq); // takes IRQs and FIQs, without a report
static u64 far_matters(u64 esr) {
  u64 ec = esr >> 26;
  return ec == 0x20 || ec == 0x21 || ec == 0x22 || ec == 0x24 || ec == 0x25 || ec == 0x34 || ec == 0x35;
}

static void report(void) {
  text("  exception at vector ");
  hex(last.vector * 0x80);
  text(" esr ");
  hex(last.esr);
  if (far_matters(last.esr)) text(" far "), hex(last.far);
  text(" elr ");
  hex(last.elr);
  text(" spsr ");
  hex(last.spsr);
  put('\n');
}

u64 exception(u64 vector, const u64 *frame) {
  if (on_interrupt && (vector & 3) % 3) {
    // Other CPUs may be here at the same time.
    u64 elr = read(elr_el1);
    on_interrupt((vector & 3) - 1);
    return elr;
  }
  last.vector = vector;
  last.esr = read(esr_el1);
  last.far = read(far_el1);
  last.elr = read(elr_el1);
  last.spsr = read(spsr_el1);
  last.count++;
  if (!quiet) report();
  u64 to = resume_at;
  resume_at = 0;
  if (to) return to;
  u64 ec = last.esr >> 26;
  if (ec == 0x32 || ec == 0x33) {
    resume_pstate = last.spsr | 1 << 21;
    return last.elr;
  }
  // A jump that failed returns to its caller.
  if (ec == 0x20 || ec == 0x21) return frame[1];
  // The return address of SVC, HVC and SMC is the next instruction.
  return last.elr + (ec == 0x15 || ec == 0x16 || ec == 0x17 ? 0 : 4);
}

// GCC may call these even in freestanding code.
void *memcpy(void *to, const void *from, unsigned long n) {
  for (u8 *d = to; n--;) *d++ = *(const u8 *)from++;
  return to;
}
void *memset(void *to, int c, unsigned long n) {
  for (u8 *d = to; n--;) *d++ = c;
  return to;
}
