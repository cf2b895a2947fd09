/**
 * The system registers of a GICv3's CPU interface, ICC_*_EL1, at EL1 of a CPU without EL2 and EL3.
 *
 * Arm GIC Architecture Specification, IHI 0069, "AArch64 System register descriptions".
 */
import type { InterfaceRegister } from '../interrupts.ts';
import { numberOf } from '../state.ts';
import type { Group } from './gic-cpu-interface.ts';
import type { Gicv3 } from './gicv3.ts';

/** One register, of the CPU with this index. Without `read` it is write-only, without `write` it is read-only. */
export interface IccRegister {
  readonly read?: (gic: Gicv3, cpu: number) => bigint;
  readonly write?: (gic: Gicv3, cpu: number, value: bigint) => void;
}

const Ctlr = { CBPR: 1, EOImode: 2 } as const;
/** ICC_CTLR_EL1: A3V; IDbits: 24; PRIbits: 5. */
const CTLR = (1 << 15) | (1 << 11) | (4 << 8);
/** ICC_SRE_EL1: SRE, and no bypass of IRQ and FIQ. */
const SRE = 7n;

const low = (value: bigint): number => Number(value & 0xffff_ffffn) | 0;
const field = (value: bigint, high: number, lowest: number): number =>
  Number((value >> BigInt(lowest)) & ((1n << BigInt(high - lowest + 1)) - 1n));
const intid = (value: bigint): number => field(value, 23, 0);

/** ICC_SGI<n>R_EL1, for interrupts of these groups (bits). */
const softwareInterrupt = (groups: number): IccRegister => ({
  write: (gic, cpu, value) =>
    gic.sendSgi(cpu, field(value, 27, 24), groups, {
      others: field(value, 40, 40) === 1,
      cluster: ((field(value, 55, 48) << 24) | (field(value, 39, 32) << 16) | (field(value, 23, 16) << 8)) >>> 0,
      list: field(value, 15, 0),
    }),
});

const ofGroup = (group: Group): Record<string, IccRegister> => ({
  [`ICC_IAR${group}_EL1`]: { read: (gic, cpu) => BigInt(gic.acknowledge(cpu, group)) },
  [`ICC_EOIR${group}_EL1`]: { write: (gic, cpu, value) => gic.endOfGroup(cpu, intid(value), group) },
  [`ICC_HPPIR${group}_EL1`]: { read: (gic, cpu) => BigInt(gic.highestPending(cpu, group)) },
  [`ICC_BPR${group}_EL1`]: {
    read: (gic, cpu) => BigInt(gic.interfaces[cpu].readBinaryPoint(group)),
    write: (gic, cpu, value) => {
      const one = gic.interfaces[cpu];
      if (group === 1 && one.commonBinaryPoint) return;
      one.setBinaryPoint(group, low(value));
      gic.update();
    },
  },
  // The levels of 5 bits of priority fit one register: AP<g>R1 to 3 are not there.
  [`ICC_AP${group}R0_EL1`]: {
    read: (gic, cpu) => BigInt(gic.interfaces[cpu].activePriorities[group] >>> 0),
    write: (gic, cpu, value) => {
      gic.interfaces[cpu].activePriorities[group] = low(value);
      gic.update();
    },
  },
  [`ICC_IGRPEN${group}_EL1`]: {
    read: (gic, cpu) => BigInt((gic.interfaces[cpu].groups >> group) & 1),
    write: (gic, cpu, value) => {
      const one = gic.interfaces[cpu];
      one.groups = (one.groups & ~(1 << group)) | (Number(value & 1n) << group);
      gic.update();
    },
  },
});

/** By name. */
export const gicv3Registers: Readonly<Record<string, IccRegister>> = {
  ...ofGroup(0),
  ...ofGroup(1),
  ICC_PMR_EL1: {
    read: (gic, cpu) => BigInt(gic.interfaces[cpu].priorityMask),
    write: (gic, cpu, value) => {
      gic.interfaces[cpu].setPriorityMask(low(value));
      gic.update();
    },
  },
  ICC_RPR_EL1: { read: (gic, cpu) => BigInt(gic.interfaces[cpu].runningPriority) },
  ICC_CTLR_EL1: {
    read: (gic, cpu) => {
      const { commonBinaryPoint, splitsEnd } = gic.interfaces[cpu];
      return BigInt(CTLR | (commonBinaryPoint ? Ctlr.CBPR : 0) | (splitsEnd ? Ctlr.EOImode : 0));
    },
    write: (gic, cpu, value) => {
      const one = gic.interfaces[cpu];
      one.commonBinaryPoint = (low(value) & Ctlr.CBPR) !== 0;
      one.splitsEnd = (low(value) & Ctlr.EOImode) !== 0;
      gic.update();
    },
  },
  ICC_SRE_EL1: { read: () => SRE, write: () => undefined },
  ICC_DIR_EL1: {
    write: (gic, cpu, value) => {
      if (gic.interfaces[cpu].splitsEnd) gic.deactivate(cpu, intid(value));
    },
  },
  ICC_SGI1R_EL1: softwareInterrupt(2),
  // Those of the other security state, of which there is none: group 0 is what would be its group 1.
  ICC_ASGI1R_EL1: softwareInterrupt(1),
  ICC_SGI0R_EL1: softwareInterrupt(1),
};

/** By op0:op1:CRn:CRm:op2. */
export const gicv3RegistersByNumber: ReadonlyMap<number, IccRegister> = new Map(
  Object.entries(gicv3Registers).map(([name, register]) => [numberOf(name), register]),
);

/** As the CPU of this index has them. */
export const gicv3Interface = (gic: Gicv3, cpu: number): ReadonlyMap<number, InterfaceRegister> =>
  new Map(
    [...gicv3RegistersByNumber].map(([number, { read, write }]) => [
      number,
      {
        ...(read && { read: () => read(gic, cpu) }),
        ...(write && { write: (value: bigint) => write(gic, cpu, value) }),
      },
    ]),
  );
