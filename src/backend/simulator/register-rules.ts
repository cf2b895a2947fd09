/**
 * The system registers of the simulated CPUs. Names, encodings and exception levels come from the catalogue, what
 * identifies a CPU from cpu-models.ts; what stands here is what a register is in all of them.
 *
 * Arm ARM DDI 0487, D19 "AArch64 System Register Descriptions".
 */
import { Pstate, systemRegisters } from '../../arm/index.ts';
import { COUNTER_FREQUENCY, type Counter } from './clock.ts';
import type { CpuModel } from './cpu-models.ts';
import { isAbsentCounter, pmuRules } from './pmu-rules.ts';
import type { Definition, RegisterUnit, Rule } from './register-rule.ts';
import { numberOf, Sctlr } from './state.ts';

export const ALL = (1n << 64n) - 1n;

const CNTKCTL_EL1 = numberOf('CNTKCTL_EL1');
const CSSELR_EL1 = numberOf('CSSELR_EL1');
const DCZID_EL0 = numberOf('DCZID_EL0');
const DZP = 1n << 4n;
const ID_AA64PFR0_EL1 = numberOf('ID_AA64PFR0_EL1');
const MDSCR_EL1 = numberOf('MDSCR_EL1');
const OSLSR_EL1 = numberOf('OSLSR_EL1');
const DBGCLAIMCLR_EL1 = numberOf('DBGCLAIMCLR_EL1');

const Cntkctl = { EL0PCTEN: 1, EL0VCTEN: 2, EL0VTEN: 1 << 8, EL0PTEN: 1 << 9 } as const;
const TDCC = 1 << 12;

const unlessSctlr = (bit: number) => (unit: RegisterUnit) => (unit.core.sctlr & bit) === 0;
const unlessCntkctl = (bits: number) => (unit: RegisterUnit) => (unit.core.systemLow(CNTKCTL_EL1) & bits) === 0;
const translation: Rule = { changed: (unit) => unit.core.translationChanged() };
const debugRegister = (keeps: bigint): Rule => ({ keeps, changed: (unit) => unit.debug.changed() });
const timers = (unit: RegisterUnit) => unit.timersChanged();
const nothing: Rule = { keeps: 0n };
const communication: Rule = { keeps: 0n, trapped: (unit) => (unit.core.systemLow(MDSCR_EL1) & TDCC) !== 0 };

/** A field of PSTATE as a register. */
const pstateField = (bits: number, trapped?: Rule['trapped']): Rule => ({
  read: ({ core }) => BigInt((core.getPstate() & bits) >>> 0),
  write: ({ core }, value) => core.setPstate(((core.getPstate() & ~bits) | (Number(value & 0xffffffffn) & bits)) >>> 0),
  trapped,
});

const Control = { ENABLE: 1n, ISTATUS: 4n } as const;

/** CTL, CVAL and TVAL of a timer. */
function timer(
  prefix: 'CNTV' | 'CNTP',
  counterOf: (unit: RegisterUnit) => Counter,
  enable: number,
): Record<string, Rule> {
  const [control, compare] = [numberOf(`${prefix}_CTL_EL0`), numberOf(`${prefix}_CVAL_EL0`)];
  const trapped = unlessCntkctl(enable);
  const remaining = (unit: RegisterUnit) => unit.core.readSystem(compare) - counterOf(unit).read();
  const status = (unit: RegisterUnit) => {
    const value = unit.core.readSystem(control) & ~Control.ISTATUS;
    return value & Control.ENABLE && remaining(unit) <= 0n ? value | Control.ISTATUS : value;
  };
  return {
    [`${prefix}_CTL_EL0`]: { keeps: 3n, read: status, trapped, changed: timers },
    [`${prefix}_CVAL_EL0`]: { trapped, changed: timers },
    [`${prefix}_TVAL_EL0`]: {
      read: (unit) => remaining(unit) & 0xffffffffn,
      write: (unit, value) => {
        unit.core.writeSystem(compare, (counterOf(unit).read() + BigInt.asIntN(32, value)) & ALL);
        timers(unit);
      },
      trapped,
    },
  };
}

/** Registers that are more than storage, or that show only some bits. */
const rules: Readonly<Record<string, Rule>> = {
  SCTLR_EL1: { keeps: 0x34dddb9fn, reset: 0x30d50998n, changed: ({ core }) => core.controlChanged() },
  TCR_EL1: { keeps: 0x77_ffff_ffbfn, ...translation },
  TTBR0_EL1: { keeps: ALL - 1n, ...translation },
  TTBR1_EL1: { keeps: ALL - 1n, ...translation },
  MAIR_EL1: translation,
  CPACR_EL1: { keeps: 3n << 20n, changed: ({ core }) => core.contextChanged() },
  /** AHP, DN, FZ, RMode, FZ16: floating-point exceptions are not trapped, and there is no AArch32 for the others. */
  FPCR: { keeps: 0x7c0_0000n, keepsWith: ['FEAT_FP16', 1n << 19n], simd: true },
  /** QC and the cumulative exception flags. */
  FPSR: { keeps: 0x800_009fn, simd: true },
  ESR_EL1: { keeps: 0xffffffffn },
  VBAR_EL1: { keeps: ALL - 0x7ffn },
  CONTEXTIDR_EL1: { keeps: 0xffffffffn },
  CSSELR_EL1: { keeps: 0xfn },
  ISR_EL1: {
    read: ({ core: { serror, interrupts } }) =>
      BigInt((serror >= 0 ? Pstate.A : 0) | (interrupts.irq ? Pstate.I : 0) | (interrupts.fiq ? Pstate.F : 0)),
  },

  SP_EL0: {
    read: ({ core }) => core.readSp(0),
    write: ({ core }, value) => core.writeSp(0, value),
    undefinedNow: ({ core }) => (core.pstate & Pstate.SP) === 0,
    storedAtEl1h: true,
  },
  NZCV: pstateField(Pstate.NZCV),
  DAIF: pstateField(Pstate.DAIF, unlessSctlr(Sctlr.UMA)),
  CurrentEL: { read: ({ core }) => BigInt(core.el << 2) },
  SPSel: pstateField(Pstate.SP),
  PAN: pstateField(Pstate.PAN),

  ID_AA64PFR0_EL1: {
    // GIC: the CPU interface of a GICv3 is in system registers.
    read: ({ core }) => core.readSystem(ID_AA64PFR0_EL1) | (core.interrupts.registers.size > 0 ? 1n << 24n : 0n),
  },
  CCSIDR_EL1: { read: ({ core, cacheSizes }) => BigInt(cacheSizes[core.systemLow(CSSELR_EL1) & 0xf] ?? 0) },
  CTR_EL0: { trapped: unlessSctlr(Sctlr.UCT) },
  /** DZP says that DC ZVA may not be used here. */
  DCZID_EL0: {
    read: ({ core }) => core.readSystem(DCZID_EL0) | (core.el === 0 && !(core.sctlr & Sctlr.DZE) ? DZP : 0n),
    storedAtEl1h: true,
  },
  // There are no LORegions.
  LORSA_EL1: nothing,
  LOREA_EL1: nothing,
  LORN_EL1: nothing,
  LORC_EL1: nothing,

  CNTFRQ_EL0: { reset: COUNTER_FREQUENCY, trapped: unlessCntkctl(Cntkctl.EL0PCTEN | Cntkctl.EL0VCTEN) },
  CNTKCTL_EL1: { keeps: 0x3ffn },
  CNTVCT_EL0: {
    read: (unit) => unit.virtualCounter.read(),
    write: ({ virtualCounter }, value) => virtualCounter.set(value),
    trapped: unlessCntkctl(Cntkctl.EL0VCTEN),
  },
  CNTPCT_EL0: {
    read: (unit) => unit.physicalCounter.read(),
    write: ({ physicalCounter }, value) => physicalCounter.set(value),
    trapped: unlessCntkctl(Cntkctl.EL0PCTEN),
  },
  ...timer('CNTV', (unit) => unit.virtualCounter, Cntkctl.EL0VTEN),
  ...timer('CNTP', (unit) => unit.physicalCounter, Cntkctl.EL0PTEN),

  ...pmuRules,

  MDSCR_EL1: debugRegister(0x6ce0_f041n),
  OSLAR_EL1: {
    write: ({ core, debug }, value) => {
      core.writeSystem(OSLSR_EL1, (core.readSystem(OSLSR_EL1) & ~2n) | ((value & 1n) << 1n));
      debug.changed();
    },
  },
  /** OSLM: the OS lock is there. */
  OSLSR_EL1: { reset: 8n, changed: (unit) => unit.debug.changed() },
  /** All tags exist, and reading this register says so. */
  DBGCLAIMSET_EL1: {
    read: () => 0xffn,
    write: ({ core }, value) => core.writeSystem(DBGCLAIMCLR_EL1, core.readSystem(DBGCLAIMCLR_EL1) | (value & 0xffn)),
  },
  DBGCLAIMCLR_EL1: {
    write: ({ core }, value) => core.writeSystem(DBGCLAIMCLR_EL1, core.readSystem(DBGCLAIMCLR_EL1) & ~value),
  },
  /** RX and TX: nobody interrupts, but they are there. */
  MDCCINT_EL1: { keeps: 3n << 29n },
  OSDTRRX_EL1: nothing,
  OSDTRTX_EL1: nothing,
  OSECCR_EL1: nothing,
  OSDLR_EL1: nothing,
  DBGPRCR_EL1: nothing,
  MDCCSR_EL0: communication,
  DBGDTR_EL0: communication,
  DBGDTRRX_EL0: communication,
};

/** Families by their names' beginnings. */
const families: readonly (readonly [pattern: RegExp, rule: Rule])[] = [
  [/^DBGBVR[0-4]_/, debugRegister(ALL - 3n)],
  // A context has bits 1..0 too.
  [/^DBGBVR5_/, debugRegister(ALL)],
  [/^DBGBCR[0-5]_/, debugRegister(0xff_e1e7n)],
  [/^DBGWVR[0-3]_/, debugRegister(ALL - 3n)],
  [/^DBGWCR[0-3]_/, debugRegister(0x1f1f_ffffn)],
];

/** Of what the catalogue calls Armv8.0: not in this CPU. */
const absent = /^(DBG[BW][VC]R(\d+)_EL1|RMR_EL1|CNTPS_\w+|DSPSR_EL0|DLR_EL0)$/;

function keptBits({ keeps = ALL, keepsWith }: Rule = {}, features: ReadonlySet<string>): bigint {
  return keepsWith && features.has(keepsWith[0]) ? keeps | keepsWith[1] : keeps;
}

/** By number, what a CPU of this model has. */
export function definitions({ features, registers }: CpuModel): Map<number, Definition> {
  const found = new Map<number, Definition>();
  for (const register of systemRegisters) {
    const { name, feature, readEl, writeEl, number } = register;
    if (Math.min(readEl, writeEl) > 1 || (feature && !features.has(feature))) continue;
    if (isAbsentCounter(name)) continue;
    const rule = rules[name] ?? families.find(([pattern]) => pattern.test(name))?.[1];
    if (rule || !absent.test(name))
      found.set(number, { reset: registers.get(number), ...rule, keeps: keptBits(rule, features), register });
  }
  return found;
}

/** Loading fails when a name is not the catalogue's. */
for (const name of Object.keys(rules)) numberOf(name);
