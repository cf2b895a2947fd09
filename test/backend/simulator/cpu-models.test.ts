/** What the CPUs say of themselves, beside QEMU 7.2's of the same name; and that they have no more than they say. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  a64Instructions,
  decoderOf,
  featureFields,
  findRegister,
  registerName,
  type SystemRegister,
} from '../../../src/arm/index.ts';
import { type Node, parseTree } from '../../../src/backend/fdt.ts';
import { Guest } from '../../../src/backend/guest.ts';
import { type CpuModelName, cpuModel, cpuModelNames } from '../../../src/backend/simulator/cpu-models.ts';
import { SimulatorMachine } from '../../../src/backend/simulator/machine.ts';
import { onQemu, onSimulator, withGuest } from './compare.ts';

const cores = ['cortex-a53', 'cortex-a57', 'cortex-a72'] as const;

const noAArch32 = 'there is no AArch32 state';
const noSpeculation = 'nothing is speculated, and a guest need not protect itself';

/** What a field holds here on these three and why not what it holds on QEMU. Everything else is equal. */
const differences: readonly (readonly [field: string, ours: bigint, reason: string])[] = [
  ['ID_AA64PFR0_EL1.EL0', 1n, noAArch32],
  ['ID_AA64PFR0_EL1.EL1', 1n, noAArch32],
  ['ID_AA64PFR0_EL1.CSV2', 1n, noSpeculation],
  ['ID_AA64PFR0_EL1.CSV3', 1n, noSpeculation],
  ['ID_AA64DFR0_EL1.CTX_CMPs', 0n, 'one breakpoint compares contexts, not two'],
  ['ID_AA64MMFR0_EL1.BigEnd', 0n, 'data are little-endian: SCTLR_EL1.EE and E0E are RES0'],
  ['ID_AA64MMFR0_EL1.SNSMem', 0n, 'there is no Secure state'],
];
/** Without AArch32 they have no meaning: zero here. */
const isAArch32 = (name: string) => /^(ID_(PFR|DFR|AFR|MMFR|ISAR)\d_EL1|MVFR\d_EL1)\b/.test(name);

type Told = ReadonlyMap<string, bigint>;

/** Each field of a register and its value; the whole register where the catalogue has no fields of it. */
function fieldsOf(name: string, value: bigint): (readonly [name: string, value: bigint])[] {
  const fields = (findRegister(name) as Partial<SystemRegister>).fields ?? [];
  return fields.length === 0
    ? [[name, value]]
    : fields.map(({ name: field, high, low }) => [
        `${name}.${field === 'RES0' ? `${high}..${low}` : field}`,
        (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n),
      ]);
}

/** By field what a CPU tells: lines of a number in hexadecimal, or CCSIDR_EL1[n], and a value. */
const toldBy = (output: string): Told =>
  new Map(
    output
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '))
      .flatMap(([key, value]) =>
        fieldsOf(key.includes('[') ? key : registerName(Number.parseInt(key, 16)), BigInt(`0x${value}`)),
      ),
  );

describe('identification registers', () => {
  const told = new Map<string, readonly [ours: Told, qemu: Told]>();
  beforeAll(() =>
    withGuest('idregs', async (elf) => {
      const run = async (cpu: (typeof cores)[number]) => {
        const [ours, qemu] = await Promise.all([onSimulator(elf, { cpu }), onQemu(elf, cpu)]);
        told.set(cpu, [toldBy(ours), toldBy(qemu)]);
      };
      await Promise.all(cores.map(run));
    }),
  );

  test.each(cores)('%s: as on QEMU, but for a few fields', (cpu) => {
    const [ours, qemu] = told.get(cpu)!;
    expect(qemu.size).toBeGreaterThan(400);
    expect([...ours.keys()]).toEqual([...qemu.keys()]);
    const differing = [...ours].filter(([name, value]) => value !== qemu.get(name) && !isAArch32(name));
    expect(new Map(differing)).toEqual(new Map(differences.map(([name, value]) => [name, value])));
  });

  test.each(cores)('%s: those of AArch32 are zero', (cpu) => {
    const [ours] = told.get(cpu)!;
    const found = [...ours].filter(([name]) => isAArch32(name));
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter(([, value]) => value !== 0n)).toEqual([]);
  });
});

const machineOf = (cpu?: CpuModelName): SimulatorMachine =>
  new SimulatorMachine({ ramSize: 1 << 22, cpu, image: { kind: 'flat', segments: [], entry: 0n } });

test.each([
  ['max', true],
  ['cortex-a57', false],
] as const)('%s: whether a debugger sees PAN', (cpu, isSeen) => {
  const { table } = new Guest(machineOf(cpu)).cpus[0];
  const names = [...table.system.values()].map(({ name }) => name);
  expect(names).toContain('DAIF');
  expect(names.includes('PAN')).toBe(isSeen);
});

test.each([
  ['cortex-a53', 'arm,cortex-a53'],
  ['cortex-a57', 'arm,cortex-a57'],
  ['cortex-a72', 'arm,cortex-a72'],
  ['max', 'arm,armv8'],
  [undefined, 'arm,armv8'],
] as const)('%s is %s in the device tree', (cpu, compatible) => {
  const machine = machineOf(cpu);
  const { children } = parseTree(machine.boot.tree) as Node;
  expect(children?.cpus.children?.['cpu@0'].properties.compatible).toEqual(new TextEncoder().encode(`${compatible}\0`));
  expect(machine.cpu).toBe(cpu ?? 'max');
});

describe('features', () => {
  const outputs = new Map<string, readonly [ours: string[], qemu: string[]]>();
  beforeAll(() =>
    withGuest('features', async (elf) => {
      const run = async (cpu: (typeof cpuModelNames)[number]) => {
        const [ours, qemu] = await Promise.all([onSimulator(elf, { cpu }), onQemu(elf, cpu)]);
        outputs.set(cpu, [ours.split('\n'), qemu.split('\n')]);
      };
      await Promise.all(cpuModelNames.map(run));
    }),
  );

  test.each(cpuModelNames)('%s: what QEMU carries out, and no more', (cpu) => {
    const [ours, qemu] = outputs.get(cpu)!;
    expect(ours.length).toBeGreaterThan(50);
    expect(ours).toEqual(qemu);
  });

  test('an instruction of every feature was tried', () => {
    const decoder = decoderOf(a64Instructions);
    const words = outputs.get('max')![0].map((line) => Number.parseInt(line, 16));
    const tried = new Set(words.flatMap((word) => decoder.find(word)?.features ?? []));
    expect([...tried].sort()).toEqual([...new Set(a64Instructions.flatMap(({ features }) => features))].sort());
  });

  test('max has all that instructions name', () => {
    const named = new Set(a64Instructions.flatMap(({ features }) => features));
    expect([...named].filter((feature) => !cpuModel('max').features.has(feature))).toEqual([]);
  });

  test.each(cores)('%s has performance monitors, the crypto extension and CRC32, and nothing later', (cpu) => {
    expect([...cpuModel(cpu).features].sort()).toEqual([
      'FEAT_AES',
      'FEAT_CRC32',
      'FEAT_PMULL',
      'FEAT_PMUv3',
      'FEAT_SHA1',
      'FEAT_SHA256',
    ]);
    expect(featureFields.size).toBeGreaterThan(15);
  });
});
