/** One line on a terminal that says what takes so long. It is gone when something else is written. Elsewhere nothing is shown. */
import { beforeSaying, styled } from './message.ts';

/** Milliseconds of silence before anything is said, and between two lines. */
const PATIENCE = 2000;
const PAUSE = 500;

export class StatusLine {
  readonly #isShown = process.stderr.isTTY;
  #timer: NodeJS.Timeout | undefined;
  #isThere: boolean = false;

  constructor() {
    beforeSaying.push(() => this.#wipe());
  }

  /** Now: what comes next holds up everything else. */
  show(text: string): void {
    if (!this.#isShown) return;
    process.stderr.write(`\r\x1b[K${styled('note', 'arm-gdbstub:')} ${text}`);
    this.#isThere = true;
  }

  /** After a while, and again and again until `clear`. */
  watch(text: () => string): void {
    if (!this.#isShown) return;
    this.#timer = setTimeout(() => {
      this.show(text());
      this.#timer = setInterval(() => this.show(text()), PAUSE);
      this.#timer.unref();
    }, PATIENCE);
    this.#timer.unref();
  }

  clear(): void {
    // Of either kind.
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wipe();
  }

  #wipe(): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    process.stderr.write('\r\x1b[K');
  }
}
