/** What a debugger has changed: every edit of a register with its outcome, the oldest forgotten first. */

export type Outcome =
  /** The machine holds exactly the value. */
  | 'written'
  /** Some bits did not stick, and `monitor writes mask` allows that. */
  | 'partial'
  /** Nothing changed. */
  | 'refused'
  /** It was written, and bits of it were gone when the CPU had run. */
  | 'lost';

export interface Edit {
  /** From 1, never used twice. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** From 0. */
  readonly cpu: number;
  /** Where the CPU stood. */
  readonly pc: bigint;
  readonly register: string;
  readonly old: bigint;
  /** What was to be written. */
  readonly value: bigint;
  /** What the machine holds afterwards. */
  readonly held: bigint;
  readonly outcome: Outcome;
  /** A warning, or why it was refused. */
  readonly note?: string;
}

export class Journal {
  readonly #capacity: number;
  readonly #edits: Edit[] = [];
  #count = 0;

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  /** How many edits there were since the start. */
  get count(): number {
    return this.#count;
  }

  /** Every write of a register comes here: the members are named one by one because that is much faster. */
  add({ cpu, pc, register, old, value, held, outcome, note }: Omit<Edit, 'sequence' | 'time'>): void {
    const at = this.#count++ % this.#capacity;
    const time = Date.now();
    this.#edits[at] = { sequence: this.#count, time, cpu, pc, register, old, value, held, outcome, note };
  }

  /** The edits that are still known, oldest first. */
  edits(): Edit[] {
    const next = this.#count % this.#capacity;
    return this.#count <= this.#capacity
      ? [...this.#edits]
      : [...this.#edits.slice(next), ...this.#edits.slice(0, next)];
  }
}
