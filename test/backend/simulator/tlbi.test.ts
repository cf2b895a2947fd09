/** TLBI by address: the whole of a block is forgotten, whatever it was reached by. */
import { describe, expect, test } from 'vitest';
import { get, machineWith, START, set, stepping } from './assembled.ts';

const TABLE0 = START + 0x8_0000n;
const TABLE1 = START + 0x9_0000n;
/** Inner page table levels of the upper half, 64 KiB each. */
const LEVELS = [TABLE1, START + 0xa_0000n, START + 0xb_0000n, START + 0xc_0000n];
const BASE = 0xffff_8000_0000_0000n;
const ATTRIBUTES = 0x701n;

interface Row {
  readonly name: string;
  /** TCR_EL1.TG1 and log2 of the granule. */
  readonly tg1: bigint;
  readonly grain: bigint;
  /** Level of the descriptor. */
  readonly level: number;
}
const rows: readonly Row[] = [
  { name: 'a page of 4 KiB', tg1: 2n, grain: 12n, level: 3 },
  { name: 'a block of 2 MiB', tg1: 2n, grain: 12n, level: 2 },
  { name: 'a block of 1 GiB', tg1: 2n, grain: 12n, level: 1 },
  { name: 'a page of 16 KiB', tg1: 1n, grain: 14n, level: 3 },
  { name: 'a block of 32 MiB', tg1: 1n, grain: 14n, level: 2 },
  { name: 'a page of 64 KiB', tg1: 3n, grain: 16n, level: 3 },
  { name: 'a block of 512 MiB', tg1: 3n, grain: 16n, level: 2 },
];

/** A machine with the block at BASE, and where its descriptor is. */
function mapped({ tg1, grain, level }: Row, instruction: string) {
  const machine = machineWith(`ldr x1, [x2]\n ldr x3, [x4]\n ${instruction}\n ldr x5, [x4]\n .org 0x200\n b .`);
  const [vcpu] = machine.vcpus;
  const write = (address: bigint, value: bigint) =>
    machine.memory.view(address, 8)!.set(new Uint8Array(BigUint64Array.of(value).buffer));
  write(TABLE0 + 8n, START | ATTRIBUTES);
  const stride = grain - 3n;
  const start = 4 - Math.ceil(Number(48n - grain) / Number(stride));
  const indexAt = (n: number): bigint =>
    ((BASE & 0xffff_ffff_ffffn) >> (grain + BigInt(3 - n) * stride)) & ((1n << stride) - 1n);
  let descriptor = 0n;
  for (let n = start; n <= level; n++) {
    descriptor = LEVELS[n - start] + 8n * indexAt(n);
    const isLeaf = n === level;
    write(descriptor, isLeaf ? START | ATTRIBUTES | (level === 3 ? 2n : 0n) : LEVELS[n - start + 1] | 3n);
  }
  set(vcpu, 'MAIR_EL1', 0xffn);
  set(vcpu, 'TCR_EL1', 25n | (16n << 16n) | (tg1 << 30n) | (2n << 32n));
  set(vcpu, 'TTBR0_EL1', TABLE0);
  set(vcpu, 'TTBR1_EL1', TABLE1);
  set(vcpu, 'VBAR_EL1', START);
  set(vcpu, 'SCTLR_EL1', get(vcpu, 'SCTLR_EL1') | 1n);
  vcpu.setGuestDebug(stepping);
  return { machine, vcpu, forget: () => write(descriptor, 0n) };
}

const instructions = ['vae1', 'vaae1', 'vale1', 'vaale1', 'vae1is', 'vaae1is', 'vale1is', 'vaale1is'];
describe.each(rows)('$name', (row) => {
  test.each([...instructions.map((name) => `tlbi ${name}, x6`), 'tlbi vmalle1', 'tlbi aside1, x6', 'tlbi vmalle1is'])(
    '%s',
    (instruction) => {
      const { vcpu, forget } = mapped(row, instruction);
      const size = 1n << (row.grain + BigInt(3 - row.level) * (row.grain - 3n));
      // Both ends of what RAM there is of it.
      const last = BASE + (size < 1n << 20n ? size : 1n << 20n) - 8n;
      set(vcpu, 'X2', BASE);
      set(vcpu, 'X4', last);
      set(vcpu, 'X6', (0x1234n << 48n) | ((BASE >> 12n) & 0xfff_ffff_ffffn));
      for (let i = 0; i < 2; i++) vcpu.run();
      forget();
      vcpu.run();
      expect(get(vcpu, 'PC')).toBe(START + 12n);
      vcpu.run();
      expect(get(vcpu, 'PC')).toBe(START + 0x200n);
      expect(get(vcpu, 'FAR_EL1')).toBe(last);
      expect(get(vcpu, 'ESR_EL1')).toBe(BigInt(0x9600_0004 + row.level));
    },
  );
});

test('other pages stay where they were', () => {
  const { vcpu, forget } = mapped(rows[1], 'tlbi vae1, x6');
  set(vcpu, 'X2', BASE);
  set(vcpu, 'X4', BASE + 0x3000n);
  set(vcpu, 'X6', ((BASE + 0x20_0000n) >> 12n) & 0xfff_ffff_ffffn);
  for (let i = 0; i < 2; i++) vcpu.run();
  forget();
  for (let i = 0; i < 2; i++) vcpu.run();
  expect(get(vcpu, 'PC')).toBe(START + 16n);
});
