/** What a simulated CPU has beside the registers that KVM lists. KVM tells nothing of it, and the architecture lets most of it be lost. */
import { Layout } from '../../arm/index.ts';
import type { StatefulDevice } from '../vcpu.ts';
import type { Cpu } from './cpu.ts';
import { numberOf } from './state.ts';

const EXCLUSIVE = Layout.exclusive >> 3;
const EXCLUSIVE_SLOTS = 4;
const DBGCLAIMCLR_EL1 = numberOf('DBGCLAIMCLR_EL1');

/** A truth that may be unknown, as a word. */
const truths: readonly (boolean | undefined)[] = [undefined, false, true];

/** How many values each word has that is no plain 64-bit value: event register, pending exception, its FAR, `stepped`. */
const limits = [2n, (1n << 32n) + 1n, 2n, 3n] as const;
const WORDS = EXCLUSIVE_SLOTS + limits.length + 2;

export class HiddenState implements StatefulDevice {
  readonly name: string;
  readonly mayBeLost = true;
  private readonly cpu: Cpu;

  constructor(cpu: Cpu, index: number) {
    this.cpu = cpu;
    this.name = index === 0 ? 'CPU of the simulator' : `CPU ${index} of the simulator`;
  }

  save(): BigUint64Array {
    const { core, stepped } = this.cpu;
    const { esr, hasFar, far } = core.pending;
    return BigUint64Array.of(
      ...core.longs.subarray(EXCLUSIVE, EXCLUSIVE + EXCLUSIVE_SLOTS),
      BigInt(core.event),
      BigInt(esr + 1),
      BigInt(hasFar),
      BigInt(truths.indexOf(stepped)),
      far,
      core.readSystem(DBGCLAIMCLR_EL1),
    );
  }

  restore(words: BigUint64Array): string | undefined {
    if (words.length !== WORDS) return `it has not ${words.length} words`;
    const [event, esr, hasFar, stepped, far, claim] = words.subarray(EXCLUSIVE_SLOTS);
    if (limits.some((limit, i) => words[EXCLUSIVE_SLOTS + i] >= limit)) return 'a word has a value that it cannot have';
    const { core } = this.cpu;
    core.longs.set(words.subarray(0, EXCLUSIVE_SLOTS), EXCLUSIVE);
    core.engine.monitorChanged();
    core.event = event === 1n;
    core.pending = { esr: Number(esr) - 1, hasFar: hasFar === 1n, far };
    this.cpu.stepped = truths[Number(stepped)];
    core.writeSystem(DBGCLAIMCLR_EL1, claim & 0xffn);
    return undefined;
  }

  /** The reset of the vCPU has done it. */
  reset(): void {}
}
