/** Where things lie in the machine: as on QEMU's virt board, so that guests for it run. And the device tree that tells. */
import { cells64, flatten, type Node, type Property } from './fdt.ts';

export const RAM_BASE = 0x4000_0000;
export const UART_BASE = 0x0900_0000;
export const UART_SIZE = 0x1000;
/** A shared interrupt, counted from the first of them. */
export const UART_SPI = 1;
export const RTC_BASE = 0x0901_0000;
export const RTC_SIZE = 0x1000;
export const RTC_SPI = 2;
/** Two banks: firmware, and what it keeps. */
export const FLASH_BASE = 0;
export const FLASH_BANK = 0x0400_0000;
export const VIRTIO_BASE = 0x0a00_0000;
/** Of one slot. */
export const VIRTIO_SIZE = 0x200;
export const VIRTIO_SLOTS = 32;
/** Of the first slot. */
export const VIRTIO_SPI = 16;
export const GIC_DISTRIBUTOR = 0x0800_0000;
export const GIC_CPU_INTERFACE = 0x0801_0000;
export const GIC_REDISTRIBUTORS = 0x080a_0000;
/** The frames of one CPU. */
export const GIC_REDISTRIBUTOR_SIZE = 0x2_0000;
/** Interrupts with those of the CPUs. */
export const GIC_INTERRUPTS = 288;
export const PMU_PPI = 7;

/** Which interrupt controller the machine has. */
export type GicVersion = 2 | 3;

export interface Board {
  /** In bytes. */
  readonly ramSize: bigint;
  /** The affinity fields of MPIDR_EL1 of each CPU. */
  readonly cpus: readonly bigint[];
  /** What the tree calls them: `arm,armv8` unless told. */
  readonly cpu?: string;
  readonly gic: GicVersion;
  readonly pmu: boolean;
  /** Of a Linux kernel, or empty. */
  readonly commandLine: string;
  /** Physical addresses of the initial RAM disk: the first byte and the one after the last. */
  readonly initrd?: { readonly start: bigint; readonly end: bigint };
  readonly flash?: boolean;
  /** How many slots of virtio have a device, from the first on. */
  readonly virtio?: number;
  /** Random bytes for the kernel's start. */
  readonly rngSeed?: Uint8Array;
}

/** Types and flags of interrupts in a device tree of a GIC. */
const SPI = 0;
const PPI = 1;
const LEVEL_HIGH = 4;
const GIC_PHANDLE = 1;
const CLOCK_PHANDLE = 2;
/** The timers: secure, non-secure, virtual, hypervisor. */
const TIMER_PPIS = [13, 14, 11, 10];

const range = (base: number, size: number): number[] => [...cells64(BigInt(base)), ...cells64(BigInt(size))];

function interruptController({ gic, cpus }: Board): Node {
  const second =
    gic === 3 ? range(GIC_REDISTRIBUTORS, GIC_REDISTRIBUTOR_SIZE * cpus.length) : range(GIC_CPU_INTERFACE, 0x2000);
  return {
    properties: {
      compatible: gic === 3 ? 'arm,gic-v3' : 'arm,cortex-a15-gic',
      'interrupt-controller': true,
      '#interrupt-cells': [3],
      '#address-cells': [2],
      '#size-cells': [2],
      reg: [...range(GIC_DISTRIBUTOR, 0x1_0000), ...second],
      phandle: [GIC_PHANDLE],
    },
  };
}

const cpuNode = (affinity: bigint, compatible: string): Node => ({
  properties: {
    device_type: 'cpu',
    compatible,
    'enable-method': 'psci',
    reg: cells64(affinity),
  },
});

/** What a boot loader tells. */
const bootProperties = ({ commandLine, initrd, rngSeed }: Board): Record<string, Property> => ({
  ...(commandLine !== '' && { bootargs: commandLine }),
  ...(initrd && { 'linux,initrd-start': cells64(initrd.start), 'linux,initrd-end': cells64(initrd.end) }),
  ...(rngSeed && { 'rng-seed': rngSeed }),
});

const chosen = (board: Board): Node => ({
  properties: { ...bootProperties(board), 'stdout-path': `/pl011@${UART_BASE.toString(16)}` },
});

/** The interrupt's cells of a private interrupt; a GICv2 wants to know for which CPUs. */
const privateInterrupt = ({ gic, cpus }: Board, number: number): number[] => [
  PPI,
  number,
  LEVEL_HIGH | (gic === 2 ? ((1 << cpus.length) - 1) << 8 : 0),
];

const memory = (ramSize: bigint): Record<string, Node> => ({
  [`memory@${RAM_BASE.toString(16)}`]: {
    properties: { device_type: 'memory', reg: [...cells64(BigInt(RAM_BASE)), ...cells64(ramSize)] },
  },
});

function virtioSlots({ virtio = 0 }: Board): Record<string, Node> {
  const slots = Array.from({ length: virtio }, (_, slot): [string, Node] => {
    const base = VIRTIO_BASE + slot * VIRTIO_SIZE;
    const properties = {
      compatible: 'virtio,mmio',
      reg: range(base, VIRTIO_SIZE),
      interrupts: [SPI, VIRTIO_SPI + slot, LEVEL_HIGH],
      'dma-coherent': true,
    } as const;
    return [`virtio_mmio@${base.toString(16)}`, { properties }];
  });
  return Object.fromEntries(slots);
}

const flashBanks = ({ flash = false }: Board): Record<string, Node> =>
  flash
    ? {
        [`flash@${FLASH_BASE.toString(16)}`]: {
          properties: {
            compatible: 'cfi-flash',
            reg: [...range(FLASH_BASE, FLASH_BANK), ...range(FLASH_BASE + FLASH_BANK, FLASH_BANK)],
            'bank-width': [4],
          },
        },
      }
    : {};

/** The machine's tree in the form that guests get it. */
export const deviceTree = (board: Board): Uint8Array => flatten(treeOf(board));

const isMemory = (name: string): boolean => /^memory(@|$)/.test(name);

/** A tree of the user's own, with what a boot loader tells put in: RAM, command line, initial RAM disk. */
export function completedTree({ properties, children = {} }: Node, board: Board): Uint8Array {
  const { chosen: own, ...others } = children;
  const kept = Object.entries(others).filter(([name]) => !isMemory(name));
  return flatten({
    properties,
    children: {
      ...memory(board.ramSize),
      ...Object.fromEntries(kept),
      chosen: { ...own, properties: { ...own?.properties, ...bootProperties(board) } },
    },
  });
}

function treeOf(board: Board): Node {
  const pmu: Record<string, Node> = board.pmu
    ? { pmu: { properties: { compatible: 'arm,armv8-pmuv3', interrupts: privateInterrupt(board, PMU_PPI) } } }
    : {};
  return {
    properties: {
      compatible: 'linux,dummy-virt',
      model: 'linux,dummy-virt',
      '#address-cells': [2],
      '#size-cells': [2],
      'interrupt-parent': [GIC_PHANDLE],
    },
    children: {
      chosen: chosen(board),
      ...memory(board.ramSize),
      cpus: {
        properties: { '#address-cells': [2], '#size-cells': [0] },
        children: Object.fromEntries(
          board.cpus.map((affinity) => [`cpu@${affinity.toString(16)}`, cpuNode(affinity, board.cpu ?? 'arm,armv8')]),
        ),
      },
      psci: { properties: { compatible: ['arm,psci-1.0', 'arm,psci-0.2'], method: 'hvc' } },
      [`intc@${GIC_DISTRIBUTOR.toString(16)}`]: interruptController(board),
      timer: {
        properties: {
          compatible: 'arm,armv8-timer',
          interrupts: TIMER_PPIS.flatMap((number) => privateInterrupt(board, number)),
          'always-on': true,
        },
      },
      ...pmu,
      'apb-pclk': {
        properties: {
          compatible: 'fixed-clock',
          '#clock-cells': [0],
          'clock-frequency': [24_000_000],
          'clock-output-names': 'clk24mhz',
          phandle: [CLOCK_PHANDLE],
        },
      },
      [`pl011@${UART_BASE.toString(16)}`]: {
        properties: {
          compatible: ['arm,pl011', 'arm,primecell'],
          reg: range(UART_BASE, UART_SIZE),
          interrupts: [SPI, UART_SPI, LEVEL_HIGH],
          clocks: [CLOCK_PHANDLE, CLOCK_PHANDLE],
          'clock-names': ['uartclk', 'apb_pclk'],
        },
      },
      [`pl031@${RTC_BASE.toString(16)}`]: {
        properties: {
          compatible: ['arm,pl031', 'arm,primecell'],
          reg: range(RTC_BASE, RTC_SIZE),
          interrupts: [SPI, RTC_SPI, LEVEL_HIGH],
          clocks: [CLOCK_PHANDLE],
          'clock-names': 'apb_pclk',
        },
      },
      ...flashBanks(board),
      ...virtioSlots(board),
    },
  };
}
