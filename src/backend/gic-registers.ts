/**
 * The registers in which a vGIC holds its state, in the order in which they are restored: what an interrupt is before
 * whether it is pending, as levels and edges are latched in different ways.
 *
 * Linux Documentation/virt/kvm/devices/arm-vgic-v3.rst, arm-vgic.rst; Arm GIC Architecture Specification, IHI 0069, 0048.
 */
import { encodingNumber } from '../arm/index.ts';
import { GIC_INTERRUPTS } from './board.ts';

/** One register by KVM_GET_DEVICE_ATTR and _SET_. */
export interface GicRegister {
  readonly group: number;
  readonly attribute: number;
  readonly bytes: 4 | 8;
  /** The attribute of the register that clears, where this one only sets. */
  readonly clear?: number;
}

/** KVM_DEV_ARM_VGIC_GRP_*. */
export const Group = { DIST_REGS: 1, CPU_REGS: 2, REDIST_REGS: 5, CPU_SYSREGS: 6, LEVEL_INFO: 7 } as const;

/** Offsets in the distributor, and in a redistributor's second frame: the first register of each kind. */
export const Offset = {
  CTLR: 0,
  IIDR: 8,
  IGROUPR: 0x80,
  ISENABLER: 0x100,
  ICENABLER: 0x180,
  ISPENDR: 0x200,
  ICPENDR: 0x280,
  ISACTIVER: 0x300,
  ICACTIVER: 0x380,
  IPRIORITYR: 0x400,
  ITARGETSR: 0x800,
  ICFGR: 0xc00,
  CPENDSGIR: 0xf10,
  SPENDSGIR: 0xf20,
  IROUTER: 0x6000,
} as const;

export const SGI_FRAME = 0x1_0000;
const WAKER = 0x14;
const FIRST_SHARED = 32;
/** Interrupts of one register with a bit for each. */
const BITS = 32;

const numbers = (count: number, first = 0): number[] => Array.from({ length: count }, (_, n) => first + n);
const sharedWords = numbers((GIC_INTERRUPTS - FIRST_SHARED) / BITS, 1);

export const word = (group: number, attribute: number, clear?: number): GicRegister => ({
  group,
  attribute,
  bytes: 4,
  clear,
});
const wordsFrom = (group: number, first: number, count: number): GicRegister[] =>
  numbers(count).map((n) => word(group, first + 4 * n));

/** The interrupts 32n to 32n + 31 from some base on, but what of them is pending. */
const configuration = (group: number, base: number, n: number): GicRegister[] => [
  word(group, base + Offset.IGROUPR + 4 * n),
  word(group, base + Offset.ISENABLER + 4 * n, base + Offset.ICENABLER + 4 * n),
  ...wordsFrom(group, base + Offset.IPRIORITYR + BITS * n, BITS / 4),
  // The first word of all is that of the SGIs, which are what they are.
  ...(n === 0 ? [] : [word(group, base + Offset.ICFGR + 8 * n)]),
  word(group, base + Offset.ICFGR + 8 * n + 4),
];

const active = (group: number, base: number, n: number): GicRegister =>
  word(group, base + Offset.ISACTIVER + 4 * n, base + Offset.ICACTIVER + 4 * n);

/** On a GICv3 ISPENDR takes exactly what is pending from KVM's user, and levels stand apart. */
const pendingV3 = (group: number, cpu: number, base: number, n: number): GicRegister[] => [
  word(Group.LEVEL_INFO, cpu + BITS * n),
  word(group, base + Offset.ISPENDR + 4 * n),
  active(group, base, n),
];

const pendingV2 = (base: number, n: number): GicRegister[] => [
  word(Group.DIST_REGS, base + Offset.ISPENDR + 4 * n, base + Offset.ICPENDR + 4 * n),
  active(Group.DIST_REGS, base, n),
];

const system = (cpu: number, op1: number, CRn: number, CRm: number, op2: number): GicRegister => ({
  group: Group.CPU_SYSREGS,
  attribute: cpu + encodingNumber([3, op1, CRn, CRm, op2]),
  bytes: 8,
});

/** ICC_CTLR_EL1 of a CPU: PRIbits tells how many registers of active priorities there are. */
export const controlV3 = (cpu: number): GicRegister => system(cpu, 0, 12, 12, 4);

function interfaceV3(cpu: number, control: bigint): GicRegister[] {
  const priorityBits = Number((control >> 8n) & 7n) + 1;
  const activePriorities = numbers(1 << Math.max(0, priorityBits - 5));
  return [
    // ICC_SRE_EL1, _CTLR_, _IGRPEN0_, _IGRPEN1_, _PMR_, _BPR0_, _BPR1_, then _AP0R<n>_ and _AP1R<n>_.
    system(cpu, 0, 12, 12, 5),
    controlV3(cpu),
    system(cpu, 0, 12, 12, 6),
    system(cpu, 0, 12, 12, 7),
    system(cpu, 0, 4, 6, 0),
    system(cpu, 0, 12, 8, 3),
    system(cpu, 0, 12, 12, 3),
    ...activePriorities.map((n) => system(cpu, 0, 12, 8, 4 + n)),
    ...activePriorities.map((n) => system(cpu, 0, 12, 9, n)),
  ];
}

/** A CPU of a GICv3: its affinity fields where the attributes have them, and its ICC_CTLR_EL1. */
export interface CpuV3 {
  readonly cpu: number;
  readonly control: bigint;
}

/** Aff3.Aff2.Aff1.Aff0 of MPIDR_EL1 in the upper half of an attribute. */
export const affinityV3 = (mpidr: bigint): number =>
  Number((((mpidr >> 32n) & 0xffn) << 24n) | (mpidr & 0xff_ffffn)) * 2 ** 32;

export function registersV3(cpus: readonly CpuV3[]): GicRegister[] {
  const { DIST_REGS, REDIST_REGS } = Group;
  const routes = numbers(GIC_INTERRUPTS - FIRST_SHARED, FIRST_SHARED);
  return [
    // The revision of the vGIC comes first: KVM refuses the state of one that it cannot play.
    word(DIST_REGS, Offset.IIDR),
    word(DIST_REGS, Offset.CTLR),
    ...cpus.flatMap(({ cpu }) => [
      word(REDIST_REGS, cpu + Offset.CTLR),
      word(REDIST_REGS, cpu + WAKER),
      ...configuration(REDIST_REGS, cpu + SGI_FRAME, 0),
      ...pendingV3(REDIST_REGS, cpu, cpu + SGI_FRAME, 0),
    ]),
    ...sharedWords.flatMap((n) => configuration(DIST_REGS, 0, n)),
    ...routes.flatMap((interrupt) => wordsFrom(DIST_REGS, Offset.IROUTER + 8 * interrupt, 2)),
    ...sharedWords.flatMap((n) => pendingV3(DIST_REGS, 0, 0, n)),
    ...cpus.flatMap(({ cpu, control }) => interfaceV3(cpu, control)),
  ];
}

/** GICC_CTLR, _PMR, _BPR, _ABPR, _APR0. */
const interfaceV2 = [0x00, 0x04, 0x08, 0x1c, 0xd0];

export function registersV2(cpus: number): GicRegister[] {
  const { DIST_REGS, CPU_REGS } = Group;
  const banks = numbers(cpus).map((cpu) => cpu * 2 ** 32);
  return [
    word(DIST_REGS, Offset.IIDR),
    word(DIST_REGS, Offset.CTLR),
    ...banks.flatMap((base) => configuration(DIST_REGS, base, 0)),
    ...sharedWords.flatMap((n) => [
      ...configuration(DIST_REGS, 0, n),
      ...wordsFrom(DIST_REGS, Offset.ITARGETSR + BITS * n, BITS / 4),
    ]),
    ...banks.flatMap((base) => [
      ...pendingV2(base, 0),
      ...numbers(4).map((n) => word(DIST_REGS, base + Offset.SPENDSGIR + 4 * n, base + Offset.CPENDSGIR + 4 * n)),
    ]),
    ...sharedWords.flatMap((n) => pendingV2(0, n)),
    ...banks.flatMap((base) => interfaceV2.map((offset) => word(CPU_REGS, base + offset))),
  ];
}
