/** What the states of both simulated interrupt controllers have in common: the lines are driven again. */
import { GicState } from '../../gic-state.ts';
import type { Gic } from './gic.ts';

export abstract class SimulatedGicState<Controller extends Gic> extends GicState {
  protected readonly gic: Controller;
  /** Those whose lines follow from the state of a CPU drive them again. */
  readonly #drive: () => void;

  constructor(name: string, gic: Controller, drive: () => void) {
    super(name);
    this.gic = gic;
    this.#drive = drive;
  }

  reset(): void {
    this.gic.reset();
    this.#drive();
  }

  override restore(words: BigUint64Array): string | undefined {
    const refused = super.restore(words);
    this.gic.update();
    this.#drive();
    return refused;
  }
}
