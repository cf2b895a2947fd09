/**
 * Every register of a CPU that a debugger can reach: where its value lies, what a read of it must know, and how an edit
 * changes CpuState. Made once from the ids that the vCPU lists, so nothing is offered that the machine does not have.
 */
import {
  type CpuState,
  featureFields,
  generalRegisters,
  maskOf,
  Pstate,
  registerByNumber,
  type SystemRegister,
  simdRegisters,
  spEl,
  systemRegisters,
} from '../arm/index.ts';
import { type CoreRegister, corePosition, coreRegisters } from './core-registers.ts';
import { idToSystemRegisterNumber } from './kvm-ids.ts';
import type { CpuSync, Scope } from './sync.ts';

export interface GuestRegister {
  /** The manual's for a system register, gdb's for the others. */
  readonly name: string;
  /** Its name in what the synchronisation reports. */
  readonly source: string;
  readonly bits: 32 | 64 | 128;
  /** Exactly what an edit of it puts and reads back. */
  readonly scope: Scope;
  /** What a read fetches: the scope, or more that is likely to be asked for next. */
  readonly readScope: Scope;
  /** The value as last read from the machine. */
  read(cpu: CpuSync): bigint;
  edit(state: CpuState, value: bigint): void;
  readonly definition?: SystemRegister;
  /** Bits that the CPU keeps when it runs with the value; the machine may take others and drop them then. */
  readonly kept: bigint;
  /** For `sp`: the register that it is under the present PSTATE, which the scope of `sp` reads. */
  readonly current?: (cpu: CpuSync) => GuestRegister;
}

const core = (...names: readonly string[]): Scope => ({
  core: names.map((name) => corePosition.get(name)!).sort((a, b) => a - b),
  cpregs: [],
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** What is asked for after every stop, read in one call. */
export const stopScope: Scope = core('PC', 'PSTATE', 'SP_EL0', 'SP_EL1', 'X29', 'X30');
export const pcScope: Scope = core('PC');
/** Told with every stop: what a debugger asks for next. */
export const expedited: ReadonlySet<string> = new Set(['X29', 'X30', 'SP', 'PC', 'CPSR']);
/** All of `g`. */
const generalScope: Scope = core('PC', 'PSTATE', 'SP_EL0', 'SP_EL1', ...numbers(31).map((n) => `X${n}`));

const scratch = new BigUint64Array(2);

const allBits = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

const keptBits = ({ vcpu }: CpuSync, id: bigint, bits: number): bigint => vcpu.keptBits?.(id) ?? allBits(bits);

function coreRegister(
  cpu: CpuSync,
  name: string,
  register: CoreRegister,
  bits: 32 | 64 | 128,
  readScope?: Scope,
): GuestRegister {
  const scope = core(register.name);
  const wide = bits === 128;
  return {
    name,
    source: register.name,
    bits,
    scope,
    readScope: readScope ?? scope,
    read: ({ state }) => {
      register.store(state, scratch, 0);
      return wide ? scratch[0] | (scratch[1] << 64n) : scratch[0];
    },
    edit: (state, value) => {
      scratch[0] = value;
      scratch[1] = value >> 64n;
      register.load(state, scratch, 0);
    },
    definition: definitions.get(register.name),
    kept: allBits(bits) & (bits === 128 ? allBits(bits) : keptBits(cpu, register.id, bits)),
  };
}

const definitions = new Map(systemRegisters.map((definition) => [definition.name, definition]));

/** A register of the list. What the machine holds is the list's value: the state may have been unable to take it. */
function listRegister(definition: SystemRegister, cpu: CpuSync, position: number): GuestRegister {
  const scope: Scope = { core: [], cpregs: [position] };
  const { access, index } = cpu.list.cpregs[position];
  return {
    name: definition.name,
    source: definition.name,
    bits: 64,
    scope,
    readScope: scope,
    read: ({ list }) => list.cpregValues[position],
    edit: (state, value) => {
      if (typeof access === 'object') access.write(state, value);
    },
    definition,
    kept: keptBits(cpu, index, 64),
  };
}

/** A view of some bits of PSTATE, as DAIF. */
function pstateView(definition: SystemRegister): GuestRegister {
  const visible = maskOf(definition.fields.filter(({ kind }) => kind === 'field'));
  return {
    name: definition.name,
    source: 'PSTATE',
    bits: 64,
    scope: core('PSTATE'),
    readScope: core('PSTATE'),
    read: ({ state }) => state.pstate & visible,
    // Bits that PSTATE has no place for are kept as they are, and the read-back tells.
    edit: (state, value) => {
      state.pstate = (state.pstate & ~visible) | (value & visible);
    },
    definition,
    kept: visible,
  };
}

export class RegisterTable {
  readonly #cpu: CpuSync;
  /** The registers that every AArch64 target has, by gdb's numbers. */
  readonly general: ReadonlyMap<number, GuestRegister>;
  /** System registers by op0:op1:CRn:CRm:op2, ascending. */
  readonly system: ReadonlyMap<number, GuestRegister>;

  constructor(cpu: CpuSync) {
    this.#cpu = cpu;
    this.general = this.#generalRegisters();
    this.system = this.#systemRegisters();
  }

  #generalRegisters(): Map<number, GuestRegister> {
    const present = new Set(this.#cpu.all.core);
    const found = new Map<number, GuestRegister>();
    for (const { name, number, bits } of [...generalRegisters, ...simdRegisters]) {
      const position = corePosition.get(name === 'CPSR' ? 'PSTATE' : name);
      if (name === 'SP') found.set(number, this.#stackPointer());
      else if (position !== undefined && present.has(position)) {
        const scope = expedited.has(name) ? stopScope : name.startsWith('X') ? generalScope : undefined;
        found.set(number, coreRegister(this.#cpu, name.toLowerCase(), coreRegisters[position], bits, scope));
      }
    }
    return found;
  }

  /** SP of the present exception level and PSTATE.SP: never blindly SP_EL0. */
  #stackPointer(): GuestRegister {
    const banks = ['SP_EL0', 'SP_EL1'].map((name) =>
      coreRegister(this.#cpu, name, coreRegisters[corePosition.get(name)!], 64, stopScope),
    );
    const current = ({ state }: CpuSync): GuestRegister =>
      banks[Math.min(spEl(Number(state.pstate & BigInt(Pstate.M))), 1)];
    return {
      name: 'sp',
      source: 'SP',
      bits: 64,
      scope: core('PSTATE', 'SP_EL0', 'SP_EL1'),
      readScope: stopScope,
      read: (cpu) => current(cpu).read(cpu),
      edit: (state, value) => {
        state.sp[Math.min(spEl(Number(state.pstate & BigInt(Pstate.M))), 1)] = value;
      },
      current,
      kept: allBits(64),
    };
  }

  #systemRegisters(): Map<number, GuestRegister> {
    const found = new Map<number, GuestRegister>();
    for (const [position, { index }] of this.#cpu.list.cpregs.entries()) {
      const definition = registerByNumber(idToSystemRegisterNumber(index) ?? -1);
      if (definition && !definition.noRaw) found.set(definition.number, listRegister(definition, this.#cpu, position));
    }
    for (const position of this.#cpu.all.core) {
      const definition = definitions.get(coreRegisters[position].name);
      if (definition) {
        const bits = /^FP[SC]R$/.test(definition.name) ? 32 : 64;
        found.set(definition.number, coreRegister(this.#cpu, definition.name, coreRegisters[position], bits));
      }
    }
    for (const definition of systemRegisters)
      if (definition.pstate && this.#hasFeature(definition.feature))
        found.set(definition.number, pstateView(definition));
    return new Map([...found].sort(([a], [b]) => a - b));
  }

  #hasFeature(feature: string | undefined): boolean {
    if (feature === undefined) return true;
    const field = featureFields.get(feature);
    const position = this.#cpu.list.cpregs.findIndex(({ name }) => name === field?.name);
    if (!field || position < 0) return false;
    this.#cpu.ensure({ core: [], cpregs: [position] });
    return field.tells(this.#cpu.list.cpregValues[position]);
  }
}
