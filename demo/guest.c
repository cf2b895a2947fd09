/*
 * The guest of `arm-gdbstub demo`: a loop in which every round feels four system registers.
 *
 *   TTBR0_EL1  decides which of two pages the window shows: edit it to table_b, and `word` is another.
 *   VBAR_EL1   decides which vectors the SVC of each round takes: edit it to vectors_b, and `last_vector` is 'B'.
 *   SCTLR_EL1  with WXN set, code in a writable page may not run: the call of each round is an instruction abort.
 *   ESR_EL1    edited at the first instruction of a vector, it is what the handler reads: `last_esr`.
 *
 * Once a second it prints a line. Set power_off to 1 and it ends.
 */
typedef unsigned long u64;

extern char vectors_a[], vectors_b[];
extern u64 writable_code(u64);

volatile u64 rounds;
/* What the window showed in this round, and what writable_code returned. */
volatile u64 word;
volatile u64 answer;
volatile int power_off;

/* The last exception, as the handler saw it. */
volatile u64 exceptions;
volatile char last_vector;
volatile u64 last_esr, last_far, last_elr, last_spsr;

#define read(name) ({ u64 value; __asm__ volatile("mrs %0, " #name : "=r"(value)); value; })
#define write(name, value) __asm__ volatile("msr " #name ", %0" : : "r"((u64)(value)) : "memory")
#define isb() __asm__ volatile("isb" : : : "memory")

/* ---- the console: a PL011 ---- */

static volatile unsigned *const uart = (volatile unsigned *)0x09000000;
enum { UARTDR = 0, UARTFR = 6, TXFF = 1 << 5 };

static void put(char character)
{
	while (uart[UARTFR] & TXFF)
		;
	uart[UARTDR] = character;
}

static void print(const char *text)
{
	while (*text)
		put(*text++);
}

static void print_hex(u64 value)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		put("0123456789abcdef"[value >> shift & 15]);
}

static void print_decimal(u64 value)
{
	if (value > 9)
		print_decimal(value / 10);
	put('0' + value % 10);
}

/* ---- translation: 4 KiB granule, 39 bits, two tables that differ in what they show at the window ---- */

#define WINDOW 0x80000000ul
#define TABLE __attribute__((aligned(4096)))

TABLE u64 table_a[512], table_b[512];
TABLE static u64 ram[512], window_a[2][512], window_b[2][512];
TABLE u64 page_a[512], page_b[512];

enum {
	BLOCK = 1, PAGE = 3, NEXT = 3,
	NORMAL = 0 << 2, DEVICE = 1 << 2,
	READ_ONLY = 1 << 7, SHARED = 3 << 8, ACCESSED = 1 << 10, NOT_GLOBAL = 1 << 11,
};
#define NO_EXECUTE (1ul << 53)
#define DATA (NORMAL | SHARED | ACCESSED | NO_EXECUTE)

static void build(u64 *table, u64 window[2][512], u64 *page, u64 content)
{
	table[0] = 0x00000000 | BLOCK | DEVICE | ACCESSED | NO_EXECUTE;
	table[1] = (u64)ram | NEXT;
	table[WINDOW >> 30] = (u64)window[0] | NEXT;
	window[0][0] = (u64)window[1] | NEXT;
	window[1][0] = (u64)page | PAGE | DATA | NOT_GLOBAL;
	for (int i = 0; i < 512; i++)
		page[i] = content;
}

#define ASID(number) ((u64)(number) << 48)

static void translation_on(void)
{
	/* 2 MiB each: the first is code, the third is code that may be written, all others are data. */
	for (u64 i = 0; i < 512; i++)
		ram[i] = 0x40000000 | i << 21 | BLOCK | DATA;
	ram[0] = (ram[0] & ~NO_EXECUTE) | READ_ONLY;
	ram[2] &= ~NO_EXECUTE;
	build(table_a, window_a, page_a, 0xaaaaaaaaaaaaaaaa);
	build(table_b, window_b, page_b, 0xbbbbbbbbbbbbbbbb);

	write(MAIR_EL1, 0x04ff);
	/* IPS 40 bits, EPD1, SH0 inner, ORGN0 and IRGN0 write-back, T0SZ 25. */
	write(TCR_EL1, 2ul << 32 | 1 << 23 | 3 << 12 | 1 << 10 | 1 << 8 | 25);
	write(TTBR0_EL1, (u64)table_a | ASID(1));
	__asm__ volatile("tlbi vmalle1; dsb sy; isb" : : : "memory");
	/* The bits that are RES1, and I, C, M. */
	write(SCTLR_EL1, 0x30d00800 | 1 << 12 | 1 << 2 | 1);
	isb();
}

/* ---- exceptions: vectors.S calls this with the table's letter and the interrupted x30 ---- */

u64 exception_taken(char vector, u64 link)
{
	u64 elr = read(ELR_EL1);
	last_esr = read(ESR_EL1);
	last_far = read(FAR_EL1);
	last_elr = elr;
	last_spsr = read(SPSR_EL1);
	last_vector = vector;
	exceptions++;
	switch (last_esr >> 26) {
	case 0x15: /* SVC: ELR is behind it. */
		return elr;
	case 0x21: /* Instruction abort: back to the caller. */
		return link;
	default: /* Any other: behind the instruction. */
		return elr + 4;
	}
}

/* ---- the loop ---- */

static void one_round(void)
{
	rounds++;
	word = *(volatile u64 *)WINDOW;
	answer = writable_code(rounds);
	__asm__ volatile("svc #0" : : : "memory");
}

static void report(void)
{
	print("round ");
	print_decimal(rounds);
	print(": word ");
	print_hex(word);
	print(", vectors ");
	put(last_vector);
	print("\n");
}

static void system_off(void)
{
	register u64 function __asm__("x0") = 0x84000008; /* PSCI SYSTEM_OFF */
	__asm__ volatile("hvc #0" : "+r"(function));
}

void main(void)
{
	write(VBAR_EL1, vectors_a);
	translation_on();
	print("The demo guest runs: rounds of a load through TTBR0_EL1, a call and an SVC.\n");
	u64 frequency = read(CNTFRQ_EL0);
	u64 due = read(CNTVCT_EL0);
	while (!power_off) {
		one_round();
		if (read(CNTVCT_EL0) >= due) {
			report();
			due += frequency;
		}
	}
	print("The demo guest powers off.\n");
	system_off();
}
