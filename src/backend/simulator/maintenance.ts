/**
 * The instructions behind SYS: cache and TLB maintenance and address translation. Caches are not modelled: of their
 * maintenance only the faults remain.
 *
 * Arm ARM DDI 0487, C5.3 to C5.5.
 */
import {
  Access,
  Esr,
  encodingNumber,
  FaultStatus,
  systemInstructionByNumber,
  TRANSLATED,
  type TranslationResult,
} from '../../arm/index.ts';
import type { Core } from './core.ts';
import type { Debug } from './debug.ts';
import { numberOf, Sctlr } from './state.ts';

const PAR_EL1 = numberOf('PAR_EL1');
/** Bytes that DC ZVA clears. */
const LINE = 64;

/** What the instructions work on. */
export interface MaintenanceUnit {
  readonly core: Core;
  readonly debug: Debug;
}

/** A SYS instruction. `run` gets the register's value and returns false with an exception pending. */
export interface Maintenance {
  /** The lowest exception level that may use it. */
  readonly el: 0 | 1;
  /** The bit of SCTLR_EL1 that lets EL0 use it. */
  readonly enable?: number;
  readonly run: (unit: MaintenanceUnit, vaLow: number, vaHigh: number) => boolean;
}

/** DC and IC by address. */
function cacheMaintenance({ core }: MaintenanceUnit, vaLow: number, vaHigh: number, invalidate: boolean): boolean {
  const access = invalidate ? Access.write : Access.read;
  const status = core.translateAs(vaLow, vaHigh, access, core.el !== 0, false);
  if (status === TRANSLATED) return true;
  // At EL1 only DC IVAC, which may lose data, needs permission.
  if (core.el !== 0 && !invalidate && (status & ~3) === FaultStatus.permission) return true;
  core.pendAt(Esr.cacheMaintenanceAbort(core.el, status), vaLow, vaHigh);
  return false;
}

/** DC ZVA. */
function zero({ core, debug }: MaintenanceUnit, vaLow: number, vaHigh: number): boolean {
  const known = core.engine.writableOffset(vaLow & -LINE, vaHigh);
  if (known >= 0) {
    core.memory.fill(0, known >> 2, (known + LINE) >> 2);
    return true;
  }
  if (!core.translateOrAbort(vaLow, vaHigh, Access.write, false)) return false;
  const { physical, device } = core.translation;
  if (device) {
    core.pendAbort(FaultStatus.alignment, vaLow, vaHigh, Access.write);
    return false;
  }
  const line = physical - (physical % LINE);
  const offset = core.engine.ramOffset(line);
  if (offset < 0 || debug.watchesPage(vaLow, vaHigh)) return zeroByStores(core, vaLow & -LINE, vaHigh);
  core.memory.fill(0, offset >> 2, (offset + LINE) >> 2);
  core.engine.changed(line, LINE);
  // A store, so that the rest of the page is known.
  core.setScratch(0, 0);
  return core.engine.store(vaLow & -LINE, vaHigh, 8, 'normal');
}

function zeroByStores(core: Core, vaLow: number, vaHigh: number): boolean {
  for (let done = 0; done < LINE; done += 8) {
    core.setScratch(0, 0);
    if (!core.engine.store(vaLow + done, vaHigh, 8, 'normal')) return false;
  }
  return true;
}

/** AT: the answer goes to PAR_EL1. Only an external abort of the walk is an exception. */
function addressTranslate(
  core: Core,
  vaLow: number,
  vaHigh: number,
  access: Access,
  privileged: boolean,
  pan: boolean,
): boolean {
  const status = core.translateAs(vaLow, vaHigh, access, privileged, pan);
  if (status !== TRANSLATED && (status & ~3) === FaultStatus.externalOnWalk) {
    core.pendAt(Esr.cacheMaintenanceAbort(core.el, status), vaLow, vaHigh);
    return false;
  }
  const par = status === TRANSLATED ? translated(core.translation) : BigInt((1 << 11) | (status << 1) | 1);
  core.writeSystem(PAR_EL1, par);
  return true;
}

/** PAR_EL1 of a translation that succeeded: attributes, address, NS, and SH, which is Outer Shareable for Device. */
function translated({ physical, attribute, device, shareability }: TranslationResult): bigint {
  const SH = device || attribute === 0x44 ? 2 : shareability;
  const page = BigInt(physical - (physical % 4096));
  return (BigInt(attribute) << 56n) | page | (1n << 11n) | (1n << 9n) | (BigInt(SH) << 7n);
}

const nothing: Maintenance = { el: 1, run: () => true };
const tlbi: Maintenance = {
  el: 1,
  run: ({ core }) => {
    core.engine.flushTlb();
    return true;
  },
};
/** Of the inner shareable domain, which is all CPUs. */
const tlbiAll: Maintenance = {
  el: 1,
  run: ({ core }) => {
    core.engine.flushTlbs();
    return true;
  },
};
/** VA[55:12] are bits 43 to 0 of the register. The ASID is not looked at: what it spares may be forgotten as well. */
const tlbiAddress = (broadcast: boolean): Maintenance => ({
  el: 1,
  run: ({ core: { engine } }, low, high) => {
    const vaLow = low << 12;
    const vaHigh = (((high << 12) | (low >>> 20)) << 8) >> 8;
    if (broadcast) engine.flushPages(vaLow, vaHigh);
    else engine.flushPage(vaLow, vaHigh);
    return true;
  },
});
const at = (access: Access, privileged: boolean): Maintenance => ({
  el: 1,
  run: ({ core }, low, high) => addressTranslate(core, low, high, access, privileged, false),
});
/** As an access at EL1 would be under PSTATE.PAN. */
const atWithPan = (access: Access): Maintenance => ({
  el: 1,
  run: ({ core }, low, high) => addressTranslate(core, low, high, access, true, core.pan),
});
const byAddress: Maintenance = {
  el: 0,
  enable: Sctlr.UCI,
  run: (unit, low, high) => cacheMaintenance(unit, low, high, false),
};
const invalidate: Maintenance = { el: 1, run: (unit, low, high) => cacheMaintenance(unit, low, high, true) };
const zva: Maintenance = { el: 0, enable: Sctlr.DZE, run: zero };

const sys = (op1: number, CRn: number, CRm: number, op2: number): number => encodingNumber([1, op1, CRn, CRm, op2]);

/** By op0:op1:CRn:CRm:op2. */
const all: readonly (readonly [number, Maintenance])[] = [
  [sys(0, 7, 1, 0), nothing], // IC IALLUIS
  [sys(0, 7, 5, 0), nothing], // IC IALLU
  [sys(3, 7, 5, 1), byAddress], // IC IVAU
  [sys(0, 7, 6, 1), invalidate], // DC IVAC
  [sys(0, 7, 6, 2), nothing], // DC ISW
  [sys(0, 7, 10, 2), nothing], // DC CSW
  [sys(0, 7, 14, 2), nothing], // DC CISW
  [sys(3, 7, 10, 1), byAddress], // DC CVAC
  [sys(3, 7, 11, 1), byAddress], // DC CVAU
  [sys(3, 7, 12, 1), byAddress], // DC CVAP
  [sys(3, 7, 13, 1), byAddress], // DC CVADP
  [sys(3, 7, 14, 1), byAddress], // DC CIVAC
  [sys(3, 7, 4, 1), zva], // DC ZVA
  [sys(0, 7, 8, 0), at(Access.read, true)], // AT S1E1R
  [sys(0, 7, 8, 1), at(Access.write, true)], // AT S1E1W
  [sys(0, 7, 8, 2), at(Access.read, false)], // AT S1E0R
  [sys(0, 7, 8, 3), at(Access.write, false)], // AT S1E0W
  [sys(0, 7, 9, 0), atWithPan(Access.read)], // AT S1E1RP
  [sys(0, 7, 9, 1), atWithPan(Access.write)], // AT S1E1WP
  // TLBI VMALLE1 and ASIDE1; VAE1, VAAE1, VALE1 and VAALE1; and the same for the inner shareable domain.
  ...[0, 2].flatMap((op2) => [[sys(0, 8, 7, op2), tlbi] as const, [sys(0, 8, 3, op2), tlbiAll] as const]),
  ...[1, 3, 5, 7].flatMap((op2) => [
    [sys(0, 8, 7, op2), tlbiAddress(false)] as const,
    [sys(0, 8, 3, op2), tlbiAddress(true)] as const,
  ]),
];

/** What a CPU with these features has. */
export function maintenanceOf(features: ReadonlySet<string>): ReadonlyMap<number, Maintenance> {
  return new Map(
    all.filter(([number]) => {
      const feature = systemInstructionByNumber(number)?.feature;
      return feature === undefined || features.has(feature);
    }),
  );
}
