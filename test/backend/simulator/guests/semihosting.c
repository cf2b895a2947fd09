// Calls of semihosting: what they answer is printed over the serial port, what they print goes where the host likes.
#include "guest.h"

static u64 call(u64 operation, const volatile void *parameter) {
  register u64 x0 asm("x0") = operation;
  register u64 x1 asm("x1") = (u64)parameter;
  asm volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
  return x0;
}

static u64 block[4];
static u64 with(u64 operation, u64 a, u64 b, u64 c) {
  block[0] = a, block[1] = b, block[2] = c;
  return call(operation, block);
}

static u64 open_file(const char *name, u64 mode, u64 length) { return with(0x01, (u64)name, mode, length); }

void guest_main(void) {
  call(0x04, "write0, ");
  call(0x03, "c");
  call(0x03, "\n");
  u64 out = open_file(":tt", 4, 3), in = open_file(":tt", 0, 3), error = open_file(":tt", 8, 3);
  line("opened", (out != -1ul) | (in != -1ul) << 1 | (error != -1ul) << 2);
  line("write", with(0x05, out, (u64) "to output\n", 10));
  line("write to nowhere", with(0x05, 1234, (u64) "xyz", 3));
  line("no file", open_file("/nowhere/at/all", 0, 15));
  line("errno", call(0x13, 0));
  line("close", with(0x02, error, 0, 0));
  line("an error", with(0x08, -5ul, 0, 0) != 0);
  line("no error", with(0x08, 5, 0, 0));
  static u8 magic[8];
  u64 features = open_file(":semihosting-features", 0, 21);
  line("length", with(0x0c, features, 0, 0));
  line("unread", with(0x06, features, (u64)magic, 8));
  line("magic", *(u32 *)magic);
  line("features", magic[4] & 3);
  line("seek", with(0x0a, features, 1, 0));
  line("unread", with(0x06, features, (u64)magic, 2));
  line("there", magic[0] | magic[1] << 8);
  line("clock", call(0x10, 0) < 6000);
  line("time", call(0x11, 0) > 1000000000 - 1);
  u64 first, then;
  line("elapsed", call(0x30, &first));
  call(0x30, &then);
  line("later", then >= first);
  line("frequency", call(0x31, 0) != 0);
  static char text_of[200];
  line("command line", with(0x15, (u64)text_of, sizeof text_of, 0));
  line("too short for it", with(0x15, (u64)text_of, 1, 0));
  // Another immediate is no call.
  call_word(0xd4400000 | 0xf001 << 5, 0);
  call(0x04, "end\n");
}
