/**
 * The registers of the performance monitors.
 *
 * Arm ARM DDI 0487, D19.5 "Performance Monitors registers".
 */
import { COUNTERS, EVENT_COUNTERS, Pmcr, PmuEvent, selectedCounter, selectedFilter } from './pmu.ts';
import type { RegisterUnit, Rule } from './register-rule.ts';
import { numberOf } from './state.ts';

const PMCR_EL0 = numberOf('PMCR_EL0');
const PMSELR_EL0 = numberOf('PMSELR_EL0');
const PMUSERENR_EL0 = numberOf('PMUSERENR_EL0');

const Pmuserenr = { EN: 1, SW: 2, CR: 4, ER: 8 } as const;

/** A register that decides what is counted. */
const control: Rule = { changing: ({ pmu }) => pmu.sync(), changed: ({ pmu }) => pmu.changed() };

/** Trapped at EL0 unless PMUSERENR_EL0 has EN or, for the accesses said, another bit. */
const unless =
  (bit = 0, isMeant: (write: boolean) => boolean = () => true): Rule['trapped'] =>
  ({ core }, write) =>
    (core.systemLow(PMUSERENR_EL0) & (Pmuserenr.EN | (isMeant(write) ? bit : 0))) === 0;
const isRead = (write: boolean): boolean => !write;
const forUser: Rule = { trapped: unless() };

/** Two views of one storage: an MSR of one of them sets bits, of the other it clears them. */
function twins(setName: string, clearName: string, more: Rule): Record<string, Rule> {
  const number = numberOf(setName);
  const read = ({ core }: RegisterUnit) => core.readSystem(number);
  const msr =
    (combine: (present: bigint, value: bigint) => bigint): Rule['msr'] =>
    (unit, value) =>
      unit.core.writeSystem(number, combine(read(unit), value) & BigInt(unit.pmu.counters >>> 0));
  const common = { ...control, ...more, keeps: COUNTERS };
  return {
    [setName]: { ...common, msr: msr((present, value) => present | value) },
    [clearName]: {
      ...common,
      read,
      write: ({ core }, value) => core.writeSystem(number, value & COUNTERS),
      msr: msr((present, value) => present & ~value),
    },
  };
}

/** What is counted is in the register when it is read. */
const counted =
  (number: number): Rule['read'] =>
  ({ core, pmu }) => {
    pmu.sync();
    return core.readSystem(number);
  };

const EVENT_COUNT = 0xffff_ffffn;
/** P, U and a common event's number. */
const EVENT_TYPE = 0xc000_03ffn;
const CYCLE_FILTER = 0xc000_0000n;

/** PMXEVCNTR_EL0 and PMXEVTYPER_EL0: where there is no such counter they read as zero and ignore writes. */
function selected(numberFor: (select: number) => number | undefined, keeps: (select: number) => bigint): Rule {
  const selection = ({ core, pmu }: RegisterUnit) => {
    const select = core.systemLow(PMSELR_EL0) & 31;
    return { select, number: (pmu.counters >>> select) & 1 ? numberFor(select) : undefined };
  };
  return {
    ...control,
    read: (unit) => {
      const { number } = selection(unit);
      unit.pmu.sync();
      return number === undefined ? 0n : unit.core.readSystem(number);
    },
    write: (unit, value) => {
      const { select, number } = selection(unit);
      if (number !== undefined) unit.core.writeSystem(number, value & keeps(select));
    },
  };
}

function eventCounter(n: number): Record<string, Rule> {
  const name = `PMEVCNTR${n}_EL0`;
  const trapped = unless(Pmuserenr.ER, isRead);
  const undefinedNow: Rule['undefinedNow'] = ({ pmu }) => ((pmu.counters >>> n) & 1) === 0;
  return {
    [name]: { ...control, keeps: EVENT_COUNT, read: counted(numberOf(name)), trapped, undefinedNow },
    [`PMEVTYPER${n}_EL0`]: { ...control, ...forUser, keeps: EVENT_TYPE, undefinedNow },
  };
}

/** PMCR_EL0.N, which no MSR changes. */
const NUMBER = 31n << 11n;
/** D is RES0 where there is no AArch32. */
const CONTROLS = BigInt(Pmcr.E | Pmcr.X | Pmcr.DP | Pmcr.LC);

export const pmuRules: Readonly<Record<string, Rule>> = {
  /** IMP and IDCODE are zero: they are the simulator's, whatever CPU MIDR_EL1 names. */
  PMCR_EL0: {
    ...control,
    ...forUser,
    keeps: CONTROLS | NUMBER,
    reset: BigInt(EVENT_COUNTERS) << 11n,
    msr: ({ core, pmu }, value) => {
      const bits = Number(value & 0xffn);
      if (bits & Pmcr.P) pmu.clearEvents();
      if (bits & Pmcr.C) pmu.clearCycles();
      core.writeSystem(PMCR_EL0, (value & CONTROLS) | (core.readSystem(PMCR_EL0) & NUMBER));
    },
  },
  ...twins('PMCNTENSET_EL0', 'PMCNTENCLR_EL0', forUser),
  ...twins('PMOVSSET_EL0', 'PMOVSCLR_EL0', forUser),
  ...twins('PMINTENSET_EL1', 'PMINTENCLR_EL1', {}),
  PMSWINC_EL0: {
    ...control,
    keeps: 0n,
    trapped: unless(Pmuserenr.SW),
    write: () => undefined,
    msr: ({ pmu }, value) => pmu.increment(Number(value & 0xffff_ffffn)),
  },
  PMSELR_EL0: { keeps: 31n, trapped: unless(Pmuserenr.ER) },
  PMUSERENR_EL0: { keeps: 15n },
  PMCEID0_EL0: {
    ...forUser,
    reset: Object.values(PmuEvent).reduce((bits, event) => bits | (1n << BigInt(event)), 0n),
  },
  PMCEID1_EL0: forUser,
  PMCCNTR_EL0: { ...control, read: counted(numberOf('PMCCNTR_EL0')), trapped: unless(Pmuserenr.CR, isRead) },
  PMCCFILTR_EL0: { ...control, ...forUser, keeps: CYCLE_FILTER },
  PMXEVCNTR_EL0: { ...selected(selectedCounter, () => EVENT_COUNT), trapped: unless(Pmuserenr.ER, isRead) },
  PMXEVTYPER_EL0: {
    ...selected(selectedFilter, (select) => (select === 31 ? CYCLE_FILTER : EVENT_TYPE)),
    ...forUser,
  },
  ...Object.assign({}, ...Array.from({ length: EVENT_COUNTERS }, (_, n) => eventCounter(n))),
};

/** The catalogue has as many event counters as the architecture allows. */
export function isAbsentCounter(name: string): boolean {
  const found = /^PMEV(?:CNTR|TYPER)(\d+)_EL0$/.exec(name);
  return found !== null && Number(found[1]) >= EVENT_COUNTERS;
}
