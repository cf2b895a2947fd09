/**
 * Instructions that the CPU around the engine carries out: MRS, MSR, SYS, exception return, WFI and their like.
 *
 * Arm ARM DDI 0487, C5 "The A64 System Instruction Class".
 */
import {
  Access,
  Esr,
  encodingNumber,
  FaultStatus,
  illegalExceptionReturn,
  Pstate,
  pstateFromSpsr,
  TRANSLATED,
} from '../../arm/index.ts';
import { type Core, numberOf, Sctlr, systemWord } from './core.ts';
import type { Debug } from './debug.ts';
import { RunStatus } from './engine/host.ts';
import type { SystemRegisters } from './system-registers.ts';

const CPACR_EL1 = numberOf('CPACR_EL1');
const CNTKCTL_EL1 = numberOf('CNTKCTL_EL1');
const PAR_EL1 = numberOf('PAR_EL1');
const FPCR = numberOf('FPCR');
const FPSR = numberOf('FPSR');
const SPSR_WORD = systemWord(numberOf('SPSR_EL1'));
const EVNTEN = 1 << 2;

const Word = {
  ERET: 0xd69f03e0,
  WFE: 0xd503205f,
  WFI: 0xd503207f,
  SEV: 0xd503209f,
  SEVL: 0xd50320bf,
} as const;

/** Words whose bits 31..20 tell: MSR (immediate), SYS, SYSL, MSR and MRS. Bit 19 parts the first two. */
const Group = { immediateOrSys: 0xd50, sysl: 0xd52, msr: 0xd51, mrs: 0xd53 } as const;

/** A SYS instruction. `run` returns false with an exception pending. */
interface Maintenance {
  readonly el: 0 | 1;
  /** The bit of SCTLR_EL1 that lets EL0 use it. */
  readonly enable?: number;
  readonly run: (unit: SystemInstructions, vaLow: number, vaHigh: number) => boolean;
}

const nothing: Maintenance = { el: 1, run: () => true };
const tlbi: Maintenance = {
  el: 1,
  run: ({ core }) => {
    // Entries of a block are pages of their own in the TLB, so one address is as much as all.
    core.engine.flushTlb();
    return true;
  },
};
const at = (access: Access, privileged: boolean): Maintenance => ({
  el: 1,
  run: (unit, low, high) => unit.addressTranslate(low, high, access, privileged),
});
/** By address to a point of coherency or unification: EL0 needs permission to read. */
const byAddress: Maintenance = {
  el: 0,
  enable: Sctlr.UCI,
  run: (unit, low, high) => unit.cacheMaintenance(low, high, Access.read, unit.core.el === 0),
};

const sys = (op1: number, CRn: number, CRm: number, op2: number): number => encodingNumber([1, op1, CRn, CRm, op2]);

const maintenance = new Map<number, Maintenance>([
  [sys(0, 7, 1, 0), nothing], // IC IALLUIS
  [sys(0, 7, 5, 0), nothing], // IC IALLU
  [sys(3, 7, 5, 1), byAddress], // IC IVAU
  [sys(0, 7, 6, 1), { el: 1, run: (unit, low, high) => unit.cacheMaintenance(low, high, Access.write, true) }], // DC IVAC
  [sys(0, 7, 6, 2), nothing], // DC ISW
  [sys(0, 7, 10, 2), nothing], // DC CSW
  [sys(0, 7, 14, 2), nothing], // DC CISW
  [sys(3, 7, 10, 1), byAddress], // DC CVAC
  [sys(3, 7, 11, 1), byAddress], // DC CVAU
  [sys(3, 7, 14, 1), byAddress], // DC CIVAC
  [sys(3, 7, 4, 1), { el: 0, enable: Sctlr.DZE, run: (unit, low, high) => unit.zero(low, high) }], // DC ZVA
  [sys(0, 7, 8, 0), at(Access.read, true)], // AT S1E1R
  [sys(0, 7, 8, 1), at(Access.write, true)], // AT S1E1W
  [sys(0, 7, 8, 2), at(Access.read, false)], // AT S1E0R
  [sys(0, 7, 8, 3), at(Access.write, false)], // AT S1E0W
  // TLBI VMALLE1, VAE1, ASIDE1, VAAE1, VALE1, VAALE1, and the same for the inner shareable domain.
  ...[0, 1, 2, 3, 5, 7].flatMap((op2) => [3, 7].map((CRm) => [sys(0, 8, CRm, op2), tlbi] as const)),
]);

const LINE = 64;

export class SystemInstructions {
  readonly core: Core;
  private readonly debug: Debug;
  private readonly registers: SystemRegisters;
  /** WFI or WFE waits for something to wake it. */
  waiting = false;

  constructor(core: Core, debug: Debug, registers: SystemRegisters) {
    this.core = core;
    this.debug = debug;
    this.registers = registers;
  }

  /** pc is already the next instruction's. */
  execute(word: number): RunStatus {
    switch (word >>> 20) {
      case Group.mrs:
        return this.mrs(word);
      case Group.msr:
        return this.msr(word);
      case Group.immediateOrSys:
        if (word & (1 << 19)) return this.sys(word);
        return (word & 0xf01f) === 0x401f ? this.msrImmediate(word) : this.hint(word);
      default:
        return this.other(word);
    }
  }

  /** Whether the run loop must look at something before the next instruction. */
  get attention(): boolean {
    const { core } = this;
    const { pstate } = core;
    return (pstate & Pstate.IL) !== 0 || (core.serror >= 0 && !(pstate & Pstate.A)) || this.debug.softwareStep;
  }

  private next(): RunStatus {
    return this.attention ? RunStatus.stopped : RunStatus.budget;
  }

  /** Takes an exception whose return address is this instruction. */
  private exception(esr: number): RunStatus {
    this.core.advancePc(-4);
    this.core.take(esr);
    return RunStatus.budget;
  }

  private other(word: number): RunStatus {
    if (word === Word.ERET) return this.eret();
    const isSimd = (word & 0x0e00_0000) === 0x0e00_0000 || (word & 0x0e00_0000) === 0x0c00_0000;
    return this.exception(isSimd ? this.simdSyndrome() : Esr.unknown());
  }

  /** CheckFPAdvSIMDEnabled64(): where CPACR_EL1 does not trap them, instructions that are not there are UNDEFINED. */
  private simdSyndrome(): number {
    const FPEN = (this.core.systemLow(CPACR_EL1) >> 20) & 3;
    const trapped = FPEN === 1 ? this.core.el === 0 : FPEN !== 3;
    return trapped ? Esr.fpAccess() : Esr.unknown();
  }

  private mrs(word: number): RunStatus {
    const number = (word >>> 5) & 0xffff;
    const syndrome = this.denied(number, word, false);
    if (syndrome) return this.exception(syndrome);
    this.core.writeX(word & 31, this.registers.read(number));
    return RunStatus.budget;
  }

  private msr(word: number): RunStatus {
    const number = (word >>> 5) & 0xffff;
    const syndrome = this.denied(number, word, true);
    if (syndrome) return this.exception(syndrome);
    this.registers.writeByGuest(number, this.core.readX(word & 31));
    return this.next();
  }

  private denied(number: number, word: number, write: boolean): number {
    if (number === FPCR || number === FPSR) return this.simdSyndrome();
    return this.registers.denied(number, word, write);
  }

  private msrImmediate(word: number): RunStatus {
    const { core } = this;
    const [op1, CRm, op2] = [(word >> 16) & 7, (word >> 8) & 15, (word >> 5) & 7];
    const { pstate } = core;
    if (op1 === 3 && (op2 === 6 || op2 === 7)) {
      if (core.el === 0 && !(core.sctlr & Sctlr.UMA)) return this.exception(Esr.msr(word));
      core.replacePstate(op2 === 6 ? pstate | (CRm << 6) : pstate & ~(CRm << 6));
      return this.next();
    }
    if (core.el === 0 || op1 !== 0) return this.exception(Esr.unknown());
    if (op2 === 4) core.replacePstate(CRm & 1 ? pstate | Pstate.PAN : pstate & ~Pstate.PAN);
    else if (op2 === 5) core.replacePstate(CRm & 1 ? pstate | Pstate.SP : pstate & ~Pstate.SP);
    else return this.exception(Esr.unknown());
    return RunStatus.budget;
  }

  private hint(word: number): RunStatus {
    const { core } = this;
    switch (word) {
      case Word.SEV:
      case Word.SEVL:
        core.event = true;
        return RunStatus.budget;
      case Word.WFI:
        return core.serror >= 0 ? RunStatus.budget : this.wait(Sctlr.nTWI, false);
      case Word.WFE:
        if (!core.event) return this.wait(Sctlr.nTWE, true);
        core.event = false;
        return RunStatus.budget;
      default:
        return this.exception(Esr.unknown());
    }
  }

  private wait(enable: number, isWfe: boolean): RunStatus {
    const { core } = this;
    if (core.el === 0 && !(core.sctlr & enable)) return this.exception(Esr.wfx(isWfe));
    // The event stream would wake it within a moment.
    if (isWfe && core.systemLow(CNTKCTL_EL1) & EVNTEN) return RunStatus.budget;
    this.waiting = true;
    return RunStatus.stopped;
  }

  private eret(): RunStatus {
    const { core, debug } = this;
    if (core.el === 0) return this.exception(Esr.unknown());
    const spsr = core.words[SPSR_WORD];
    const { pstate } = core;
    const mode = (illegalExceptionReturn(pstate, spsr) ? pstate : spsr) & Pstate.M;
    core.setPstate(pstateFromSpsr(pstate, spsr, debug.stepAfterReturn(spsr, mode)));
    core.branchToElr();
    core.clearExclusive();
    core.event = true;
    return this.next();
  }

  private sys(word: number): RunStatus {
    const { core } = this;
    const found = maintenance.get(0x4000 | ((word >>> 5) & 0x3fff));
    if (!found || core.el < found.el) return this.exception(Esr.unknown());
    if (core.el === 0 && found.enable && !(core.sctlr & found.enable)) return this.exception(Esr.msr(word));
    const register = (word & 31) * 2;
    if (found.run(this, core.words[register], core.words[register + 1])) return RunStatus.budget;
    core.advancePc(-4);
    core.takePending();
    return RunStatus.budget;
  }

  /** DC and IC by address: nothing to do but the faults. */
  cacheMaintenance(vaLow: number, vaHigh: number, access: Access, needsPermission: boolean): boolean {
    const { core } = this;
    const status = core.translateAs(vaLow, vaHigh, access, core.el !== 0, false);
    if (status === TRANSLATED || (!needsPermission && (status & ~3) === FaultStatus.permission)) return true;
    core.pendAt(Esr.cacheMaintenanceAbort(core.el, status), vaLow, vaHigh);
    return false;
  }

  /** DC ZVA. */
  zero(vaLow: number, vaHigh: number): boolean {
    const { core } = this;
    if (!core.translateOrAbort(vaLow, vaHigh, Access.write, false)) return false;
    if (core.translation.device) {
      core.pendAbort(FaultStatus.alignment, vaLow, vaHigh, Access.write);
      return false;
    }
    const { physical } = core.translation;
    const line = physical - (physical % LINE);
    const offset = core.engine.ramOffset(line);
    if (offset >= 0 && !this.debug.watchesPage(vaLow, vaHigh)) {
      core.words.fill(0, offset >> 2, (offset + LINE) >> 2);
      core.engine.changed(line, LINE);
      return true;
    }
    return this.zeroByStores(vaLow & -LINE, vaHigh);
  }

  private zeroByStores(vaLow: number, vaHigh: number): boolean {
    for (let done = 0; done < LINE; done += 8) {
      this.core.setScratch(0, 0);
      if (!this.core.engine.store(vaLow + done, vaHigh, 8, 'normal')) return false;
    }
    return true;
  }

  /** AT: the answer goes to PAR_EL1. */
  addressTranslate(vaLow: number, vaHigh: number, access: Access, privileged: boolean): boolean {
    const { core } = this;
    const status = core.translateAs(vaLow, vaHigh, access, privileged, false);
    if (status !== TRANSLATED && (status & ~3) === FaultStatus.externalOnWalk) {
      core.pendAt(Esr.cacheMaintenanceAbort(core.el, status), vaLow, vaHigh);
      return false;
    }
    core.writeSystem(PAR_EL1, status === TRANSLATED ? this.translated() : BigInt((1 << 11) | (status << 1) | 1));
    return true;
  }

  /** PAR_EL1 of a translation that succeeded: attributes, address, NS, and SH, which is Outer Shareable for Device. */
  private translated(): bigint {
    const { physical, attribute, device, shareability } = this.core.translation;
    const SH = device || attribute === 0x44 ? 2 : shareability;
    const page = BigInt(physical - (physical % 4096));
    return (BigInt(attribute) << 56n) | page | (1n << 11n) | (1n << 9n) | (BigInt(SH) << 7n);
  }
}
