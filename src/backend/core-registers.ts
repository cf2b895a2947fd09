/**
 * Where KVM's core registers lie in CpuState. They are moved by hand, never through the list, in the order of this
 * table: PSTATE first, because the kernel narrows the general registers when it is given one of AArch32.
 */
import type { CpuState } from '../arm/index.ts';
import { CoreId } from './kvm-ids.ts';

export interface CoreRegister {
  readonly id: bigint;
  readonly name: string;
  /** 64-bit words of the value in the arrays of `Vcpu.getRegisters`. */
  readonly words: 1 | 2;
  /** CpuState -> values[at]. */
  store(state: CpuState, values: BigUint64Array, at: number): void;
  /** values[at] -> CpuState. */
  load(state: CpuState, values: BigUint64Array, at: number): void;
}

type ArrayMember = { [K in keyof CpuState]: CpuState[K] extends BigUint64Array ? K : never }[keyof CpuState];
type ValueMember = { [K in keyof CpuState]: CpuState[K] extends bigint ? K : never }[keyof CpuState];

const element = (name: string, id: bigint, member: ArrayMember, index: number): CoreRegister => ({
  name,
  id,
  words: 1,
  store: (state, values, at) => {
    values[at] = state[member][index];
  },
  load: (state, values, at) => {
    state[member][index] = values[at];
  },
});

const single = (name: string, id: bigint, member: ValueMember): CoreRegister => ({
  name,
  id,
  words: 1,
  store: (state, values, at) => {
    values[at] = state[member];
  },
  load: (state, values, at) => {
    state[member] = values[at];
  },
});

const vector = (n: number): CoreRegister => ({
  name: `V${n}`,
  id: CoreId.V(n),
  words: 2,
  store: (state, values, at) => {
    values[at] = state.v[2 * n];
    values[at + 1] = state.v[2 * n + 1];
  },
  load: (state, values, at) => {
    state.v[2 * n] = values[at];
    state.v[2 * n + 1] = values[at + 1];
  },
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

export const coreRegisters: readonly CoreRegister[] = [
  single('PSTATE', CoreId.PSTATE, 'pstate'),
  ...numbers(31).map((n) => element(`X${n}`, CoreId.X(n), 'x', n)),
  element('SP_EL0', CoreId.SP, 'sp', 0),
  element('SP_EL1', CoreId.SP_EL1, 'sp', 1),
  single('PC', CoreId.PC, 'pc'),
  element('ELR_EL1', CoreId.ELR_EL1, 'elr', 1),
  element('SPSR_EL1', CoreId.SPSR(0), 'spsr', 1),
  ...['SPSR_abt', 'SPSR_und', 'SPSR_irq', 'SPSR_fiq'].map((name, n) =>
    element(name, CoreId.SPSR(n + 1), 'bankedSpsr', n),
  ),
  ...numbers(32).map(vector),
  single('FPSR', CoreId.FPSR, 'fpsr'),
  single('FPCR', CoreId.FPCR, 'fpcr'),
];

/** Position in `coreRegisters` by name. */
export const corePosition: ReadonlyMap<string, number> = new Map(coreRegisters.map(({ name }, i) => [name, i]));
