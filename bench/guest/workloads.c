// Workloads of the simulator's bench: -DWORKLOAD chooses one, which returns a checksum.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

u64 call_el0(u64 count);

#define EVERYDAY 1
#define SHA256 2
#define CALLS 3
#define MEMORY 4
#define SYSTEM_CALLS 5

static u64 random_state = 0x9e3779b97f4a7c15;
static __attribute__((unused)) u64 next_random(void) {
  random_state ^= random_state << 7;
  random_state ^= random_state >> 9;
  return random_state;
}

#if WORKLOAD == EVERYDAY
// Sorting, a hash table of lists, scanning text, a checksum by table.
struct node {
  struct node *next;
  u32 key, count;
};
static struct node nodes[4096], *buckets[256];
static u32 numbers[4096], crc_table[256], used;
static char text[16384];

static void sort(u32 *from, u32 *to) {
  while (to - from > 1) {
    u32 pivot = from[(to - from) / 2], *low = from, *high = to - 1;
    while (low <= high) {
      while (*low < pivot) low++;
      while (*high > pivot) high--;
      if (low <= high) {
        u32 swap = *low;
        *low++ = *high;
        *high-- = swap;
      }
    }
    sort(from, high + 1);
    from = low;
  }
}

static void count_word(u32 key) {
  struct node **at = &buckets[key & 255];
  for (; *at; at = &(*at)->next)
    if ((*at)->key == key) {
      (*at)->count++;
      return;
    }
  if (used == 4096) return;
  *at = &nodes[used++];
  (*at)->key = key;
}

static u32 checksum(u32 crc, const u8 *bytes, u64 length) {
  while (length--) crc = crc_table[(crc ^ *bytes++) & 255] ^ crc >> 8;
  return crc;
}

u64 workload(void) {
  u32 crc = ~0u;
  for (u32 i = 0; i < 256; i++) {
    u32 c = i;
    for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
    crc_table[i] = c;
  }
  for (int round = 0; round < 40; round++) {
    for (int i = 0; i < 4096; i++) numbers[i] = next_random();
    sort(numbers, numbers + 4096);
    crc = checksum(crc, (const u8 *)numbers, sizeof numbers);
    for (u64 i = 0; i < sizeof text; i++) {
      u32 letter = next_random() % 30;
      text[i] = letter < 26 ? 'a' + letter % 8 : letter == 29 ? '\n' : ' ';
    }
    u32 word = 0;
    for (u64 i = 0; i < sizeof text; i++) {
      if (text[i] >= 'a' && text[i] <= 'z') word = word * 31 + (u8)text[i];
      else if (word) {
        count_word(word);
        word = 0;
      }
    }
  }
  u64 sum = crc;
  for (u32 i = 0; i < used; i++) sum = sum * 3 + nodes[i].count;
  return sum;
}

#elif WORKLOAD == SHA256
// FIPS 180-4.
static const u32 k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static u32 rotate(u32 x, int by) { return x >> by | x << (32 - by); }
u64 workload(void) {
  u32 hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (int block = 0; block < 30000; block++) {
    u32 w[64], s[8];
    for (int i = 0; i < 16; i++) w[i] = next_random();
    for (int i = 16; i < 64; i++) {
      u32 a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    for (int i = 0; i < 8; i++) s[i] = hash[i];
    for (int i = 0; i < 64; i++) {
      u32 choose = (s[4] & s[5]) ^ (~s[4] & s[6]), most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
      u32 one = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + choose + k[i] + w[i];
      u32 two = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + most;
      for (int j = 7; j > 0; j--) s[j] = s[j - 1];
      s[4] += one;
      s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) hash[i] += s[i];
  }
  return (u64)hash[0] << 32 | hash[1];
}

#elif WORKLOAD == CALLS
// Takeuchi's function.
static __attribute__((noinline)) u64 tak(long x, long y, long z, u64 *calls) {
  ++*calls;
  if (y >= x) return z;
  return tak(tak(x - 1, y, z, calls), tak(y - 1, z, x, calls), tak(z - 1, x, y, calls), calls);
}
u64 workload(void) {
  u64 calls = 0, sum = 0;
  for (int round = 0; round < 60; round++) sum += tak(18, 12, 6, &calls);
  return calls << 8 | sum;
}

#elif WORKLOAD == MEMORY
// Copies of 1 MiB, then a walk through it in random order.
static u64 from[131072], to[131072];
u64 workload(void) {
  u64 sum = 0, at = 0;
  for (u64 i = 0; i < 131072; i++) from[i] = next_random();
  for (int round = 0; round < 200; round++) {
    for (u64 i = 0; i < 131072; i += 4) {
      u64 a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
      to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
    }
    from[round] = to[131071 - round];
  }
  for (int i = 0; i < 4000000; i++) {
    at = (to[at] + i) & 131071;
    sum += at;
  }
  return sum;
}

#elif WORKLOAD == SYSTEM_CALLS
u64 workload(void) { return call_el0(1500000); }
#endif
