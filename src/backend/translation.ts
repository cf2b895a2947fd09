/** Where the virtual addresses of one CPU lie, as its registers say now: edits of them take effect at once. */
import {
  Access,
  type DescriptorReader,
  newTranslationResult,
  Pstate,
  TRANSLATED,
  type TranslationRegime,
  type TranslationResult,
  translate,
  translateForDebugger,
  translationRegime,
  translationRegisters,
} from '../arm/index.ts';
import type { RegisterTable } from './register-table.ts';
import type { CpuSync, Scope } from './sync.ts';
import type { PhysicalMemory } from './vcpu.ts';

type RegimeRegister = keyof typeof translationRegisters;
const names = Object.keys(translationRegisters) as RegimeRegister[];

/** Reads translation tables from RAM. */
function descriptorReader(memory: PhysicalMemory): DescriptorReader {
  return {
    low: 0,
    high: 0,
    readDescriptor(physical) {
      const view = memory.view(BigInt(physical), 8);
      if (!view || view.length < 8) return false;
      this.low = view[0] | (view[1] << 8) | (view[2] << 16) | (view[3] << 24);
      this.high = view[4] | (view[5] << 8) | (view[6] << 16) | (view[7] << 24);
      return true;
    },
  };
}

export class CpuTranslation {
  readonly #cpu: CpuSync;
  readonly #scope: Scope;
  readonly #reader: DescriptorReader;
  #regime: TranslationRegime | undefined;
  #epoch = -1;
  #values: readonly bigint[] = [];
  /** The numbers of the registers that decide translations. */
  readonly registers: ReadonlySet<number> = new Set(Object.values(translationRegisters));

  constructor(cpu: CpuSync, table: RegisterTable, memory: PhysicalMemory) {
    this.#cpu = cpu;
    this.#scope = {
      core: [],
      cpregs: names.flatMap((name) => table.system.get(translationRegisters[name])?.scope.cpregs ?? []),
    };
    if (this.#scope.cpregs.length !== names.length) throw new Error('the vCPU lists no translation registers');
    this.#reader = descriptorReader(memory);
  }

  /** The registers digested: anew when one of them has changed. */
  regime(): TranslationRegime {
    if (this.#regime && this.#epoch === this.#cpu.epoch) return this.#regime;
    this.#cpu.ensure(this.#scope);
    this.#epoch = this.#cpu.epoch;
    const { cpregValues } = this.#cpu.list;
    const values = this.#scope.cpregs.map((position) => cpregValues[position]);
    if (!this.#regime || values.some((value, i) => value !== this.#values[i])) {
      this.#values = values;
      const [sctlr, ttbr0, ttbr1, tcr, mair, mmfr0] = values;
      this.#regime = translationRegime({ sctlr, ttbr0, ttbr1, tcr, mair, mmfr0 });
    }
    return this.#regime;
  }

  /** The physical address, whatever the permissions; undefined where nothing is mapped. */
  translate(address: bigint): number | undefined {
    return translateForDebugger(this.regime(), this.#reader, address);
  }

  /** As the CPU would at its exception level: `result` and the fault status, or TRANSLATED. */
  walk(address: bigint, access: Access, privileged: boolean, pan: boolean, result: TranslationResult): number {
    const [low, high] = [Number(address & 0xffff_ffffn), Number(address >> 32n)];
    return translate(this.regime(), this.#reader, low, high, access, privileged, pan, result);
  }

  /** Whether the CPU could fetch from this address under this PSTATE. */
  fetchable(address: bigint, pstate: bigint): boolean {
    const privileged = (pstate & 0xcn) !== 0n;
    const pan = (pstate & BigInt(Pstate.PAN)) !== 0n;
    return this.walk(address, Access.execute, privileged, pan, newTranslationResult()) === TRANSLATED;
  }
}
