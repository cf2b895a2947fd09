import { describe, expect, test } from 'vitest';
import { firmwareCall, PSCI_1_1 } from '../../../src/backend/simulator/psci.ts';

/** CPUs 0 to 2, of which only the first is on, and one of another cluster. */
function board() {
  const started: string[] = [];
  const cpus = [0n, 1n, 2n, 0x100n].map((affinity) => ({
    affinity,
    isOff: affinity !== 0n,
    powerOn(entry: bigint, context: bigint) {
      this.isOff = false;
      started.push(`${affinity} at ${entry.toString(16)} with ${context.toString(16)}`);
    },
  }));
  const call = (number: number, ...inputs: bigint[]) =>
    firmwareCall({
      number,
      inputs: [inputs[0] ?? 0n, inputs[1] ?? 0n, inputs[2] ?? 0n],
      psciVersion: PSCI_1_1,
      cpus,
    });
  return { started, call };
}

const [ON, ON64] = [0x8400_0003, 0xc400_0003];
const [INFO, INFO64] = [0x8400_0004, 0xc400_0004];

describe('functions and their answers', () => {
  test.each<[string, number, bigint[], ReturnType<typeof firmwareCall>]>([
    ['SMCCC_VERSION', 0x8000_0000, [], 0x1_0001n],
    ['PSCI_VERSION', 0x8400_0000, [], 0x1_0001n],
    ['CPU_SUSPEND', 0x8400_0001, [], 'suspend'],
    ['CPU_SUSPEND, 64 bits', 0xc400_0001, [], 'suspend'],
    ['CPU_OFF', 0x8400_0002, [], 'off'],
    ['CPU_OFF has no 64-bit form', 0xc400_0002, [], -1n],
    ['CPU_ON of the CPU that calls', ON64, [0n], -4n],
    ['CPU_ON of no CPU', ON64, [3n], -2n],
    ['CPU_ON with bits that are no affinity', ON64, [0x8000_0001n], -2n],
    ['CPU_ON', ON64, [1n, 0x4000_0000n], 0n],
    ['AFFINITY_INFO of a CPU that is on', INFO64, [0n, 0n], 0n],
    ['AFFINITY_INFO of a CPU that is off', INFO64, [2n, 0n], 1n],
    ['AFFINITY_INFO of no CPU', INFO64, [3n, 0n], -2n],
    ['AFFINITY_INFO of a cluster of which one is on', INFO64, [2n, 1n], 0n],
    ['AFFINITY_INFO of a cluster that is off', INFO64, [0x1ffn, 1n], 1n],
    ['AFFINITY_INFO of all clusters', INFO64, [0x100n, 2n], 0n],
    ['AFFINITY_INFO of the highest level', INFO64, [0n, 3n], 0n],
    ['AFFINITY_INFO of a level that there is not', INFO64, [0n, 4n], -2n],
    ['AFFINITY_INFO of bits that are no affinity', INFO64, [0x8000_0000n, 0n], -2n],
    ['AFFINITY_INFO, 32 bits, looks at no more', INFO, [0xffff_ffff_0000_0002n, 0n], 1n],
    ['MIGRATE_INFO_TYPE', 0x8400_0006, [], 2n],
    ['SYSTEM_OFF', 0x8400_0008, [], 'shutdown'],
    ['SYSTEM_RESET', 0x8400_0009, [], 'reset'],
    ['SYSTEM_RESET2, warm', 0x8400_0012, [], 'reset'],
    ['SYSTEM_RESET2 of another kind', 0xc400_0012, [1n], -2n],
    ['SYSTEM_RESET2, of the vendor', 0xc400_0012, [0x8000_0000n], 'reset'],
    ['PSCI_FEATURES of CPU_ON', 0x8400_000a, [BigInt(ON64)], 0n],
    ['PSCI_FEATURES of SMCCC_VERSION', 0x8400_000a, [0x8000_0000n], 0n],
    ['PSCI_FEATURES of SYSTEM_SUSPEND', 0x8400_000a, [0x8400_000en], -1n],
    ['anything else', 0x8600_ff01, [], -1n],
  ])('%s', (_name, number, inputs, answer) => expect(board().call(number, ...inputs)).toBe(answer));
});

test('a CPU is started once, and then is on', () => {
  const { started, call } = board();
  expect(call(ON64, 2n, 0xffff_0000_4000_0000n, 5n)).toBe(0n);
  expect(call(ON64, 2n, 0n, 0n)).toBe(-4n);
  expect(call(INFO64, 2n, 0n)).toBe(0n);
  expect(call(ON, 0xf_0000_0001n, 0xf_4000_0000n, 0xf_0000_0006n)).toBe(0n);
  expect(started).toEqual(['2 at ffff000040000000 with 5', '1 at 40000000 with 6']);
});
