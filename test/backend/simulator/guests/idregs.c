// What a CPU says of itself: the identification registers, by number, and its caches.
#include "guest.h"

static u64 mrs(u64 encoding) { return call_word(0xd5200000 | encoding << 5, 0); }

static void show(u64 encoding) {
  hex(encoding), put(' '), hex(mrs(encoding)), put('\n');
}

void guest_main(void) {
  for (u64 encoding = 0xc000; encoding < 0xc040; encoding++)
    // Of the first eight there are MIDR_EL1, MPIDR_EL1 and REVIDR_EL1.
    if (encoding >= 0xc008 || (1 << (encoding & 7) & 0x61)) show(encoding);
  show(0xc801); // CLIDR_EL1
  show(0xc807); // AIDR_EL1
  show(0xd801); // CTR_EL0
  show(0xd807); // DCZID_EL0
  for (u64 cache = 0; cache < 3; cache++) {
    write(csselr_el1, cache);
    text("CCSIDR_EL1["), hex(cache), text("] "), hex(read(ccsidr_el1)), put('\n');
  }
}
