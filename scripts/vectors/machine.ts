/** Carries vectors out at EL0 of the simulated machine, behind its vCPU: engine, translation and CPU together. */
import { type Encoding, encodingNumber } from '../../src/arm/index.ts';
import { CoreId, RAM_BASE, SimulatorMachine, sysregId } from '../../src/backend/index.ts';
import { compare, memoryOf, numberOf, type Runner, type Vector, vectorsOf } from './vector.ts';

const RAM_SIZE = 1 << 20;
const PAGE = 4096n;

const machine = new SimulatorMachine({
  ramSize: RAM_SIZE,
  image: { kind: 'flat', entry: BigInt(RAM_BASE), segments: [] },
  cpu: 'max',
});
const [vcpu] = machine.vcpus;
const ram = machine.memory.view(BigInt(RAM_BASE), RAM_SIZE)!;
const words = new DataView(ram.buffer, ram.byteOffset, RAM_SIZE);

const ids = BigUint64Array.of(
  CoreId.PSTATE,
  ...Array.from({ length: 31 }, (_, n) => CoreId.X(n)),
  CoreId.SP,
  CoreId.PC,
  CoreId.FPCR,
  CoreId.FPSR,
  ...Array.from({ length: 32 }, (_, n) => CoreId.V(n)),
);
/** A V register takes two. */
const values = new BigUint64Array(ids.length + 32);
const firstVector = ids.length - 32;
/** FPSR.IXC: most operations then change no flag, and go their quick ways. */
const inexact = 0x10n;
const errnos = new Int32Array(ids.length);

function setSystem(encoding: Encoding, value: bigint): void {
  const failures = vcpu.setRegisters(
    BigUint64Array.of(sysregId(encodingNumber(encoding))),
    BigUint64Array.of(value),
    errnos,
    1,
  );
  if (failures > 0) throw new Error(`${encoding.join(' ')}: errno ${errnos[0]}`);
}

function getSystem(encoding: Encoding): bigint {
  const value = new BigUint64Array(1);
  vcpu.getRegisters(BigUint64Array.of(sysregId(encodingNumber(encoding))), value, errnos, 1);
  return value[0];
}

/** Pages in use, from the start of RAM; the first one is the root of the translation tables. */
let pages = 1;
/** Page of RAM by virtual page. */
const mapped = new Map<bigint, number>();

/** The offset in RAM of a virtual address, whose page is mapped if it was not: a table at each of four levels. */
function place(address: bigint): number {
  const page = address / PAGE;
  let data = mapped.get(page);
  if (data === undefined) {
    let table = 0;
    for (const shift of [27n, 18n, 9n]) {
      const entry = table + Number((page >> shift) & 511n) * 8;
      if (words.getBigUint64(entry, true) === 0n) words.setBigUint64(entry, descriptor(pages++, 0b11n), true);
      table = Number(words.getBigUint64(entry, true) & 0xffff_f000n) - RAM_BASE;
    }
    data = pages++;
    // Valid page, EL0 may read and write, accessed, inner shareable, AttrIndx 0.
    words.setBigUint64(table + Number(page & 511n) * 8, descriptor(data, 0b11_01_0_000_11n | (1n << 10n)), true);
    mapped.set(page, data);
  }
  return data * Number(PAGE) + Number(address % PAGE);
}
const descriptor = (page: number, bits: bigint): bigint => BigInt(RAM_BASE + page * Number(PAGE)) | bits;

/** An empty address space. */
function clear(): void {
  ram.fill(0, 0, pages * Number(PAGE));
  machine.memory.changed(BigInt(RAM_BASE), pages * Number(PAGE));
  pages = 1;
  mapped.clear();
}

setSystem([3, 0, 2, 0, 2], 16n | (1n << 23n) | (1n << 37n)); // TCR_EL1: T0SZ = 16, EPD1, TBI0
setSystem([3, 0, 1, 0, 2], 3n << 20n); // CPACR_EL1: no instruction traps
setSystem([3, 0, 10, 2, 0], 0xffn); // MAIR_EL1: Attr0 is Normal memory
// SCTLR_EL1: M, C, I, DZE, UCT and UCI: EL0 may maintain caches.
setSystem([3, 0, 1, 0, 0], 0x30d0_0800n | 0b101n | (1n << 12n) | (1n << 14n) | (1n << 15n) | (1n << 26n));
vcpu.setGuestDebug({
  enable: true,
  singleStep: true,
  useSoftwareBreakpoints: false,
  useHardware: false,
  breakpoints: [],
  watchpoints: [],
});

/** An exclusive, ordered or atomic access whose address is no multiple of its size. */
function isUnaligned({ i, m }: Vector): boolean {
  const word = Number.parseInt(i, 16);
  if ((word & 0x3f00_0000) !== 0x0800_0000 && (word & 0x3f20_0c00) !== 0x3820_0000) return false;
  return m.some(([, address, bytes]) => numberOf(address) % BigInt(bytes.length / 2) !== 0n);
}

export const simulator: Runner = (vector) => {
  clear();
  const { before, written } = memoryOf(vector);
  const pc = numberOf(vector.pc);
  words.setUint32(place(pc), Number.parseInt(vector.i, 16), true);
  // A byte that is written but was not read holds something else before: else nobody would see it stay.
  for (const [address, byte] of written) ram[place(address)] = before.get(address) ?? byte ^ 0xff;
  for (const [address, byte] of before) ram[place(address)] = byte;
  machine.memory.changed(BigInt(RAM_BASE), pages * Number(PAGE));
  setSystem([3, 0, 2, 0, 0], BigInt(RAM_BASE)); // TTBR0_EL1: stale translations go

  values[0] = BigInt(vector.nzcv);
  vector.x.forEach((value, n) => {
    values[1 + n] = numberOf(value);
  });
  values[33] = pc;
  values[34] = BigInt(vector.fpcr);
  values[35] = inexact;
  values.set(vectorsOf(vector), firstVector);
  vcpu.setRegisters(ids, values, errnos, ids.length);
  const old = ram.slice(0, pages * Number(PAGE));
  const exit = vcpu.run();
  if (!('kind' in exit)) return 'it did not end';
  if (exit.kind !== 'debug') return exit.kind;
  vcpu.getRegisters(ids, values, errnos, ids.length);

  if (isUnaligned(vector)) {
    const syndrome = getSystem([3, 0, 5, 2, 0]);
    if (syndrome >> 26n === 0x24n && (syndrome & 0x3fn) === 0x21n)
      return { leftOut: 'unaligned atomic, exclusive or ordered access without FEAT_LSE2: alignment fault' };
  }

  const found = new Map<bigint, number>();
  for (const [page, data] of mapped)
    for (let i = 0; i < Number(PAGE); i++) {
      const at = data * Number(PAGE) + i;
      if (ram[at] !== old[at]) found.set(page * PAGE + BigInt(i), ram[at]);
    }
  for (const address of written.keys()) found.set(address, ram[place(address)]);
  return compare(vector, {
    pc: values[33],
    nzcv: Number(values[0] >> 28n),
    x: (n) => values[1 + n],
    v: values.slice(firstVector),
    written: found,
  });
};
