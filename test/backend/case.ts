/** Tests that run in any process, under vitest or without: on this machine, or in the lab on a real kernel. */
import type { Program } from './assembled.ts';

export interface CaseContext {
  /** Prints a line with the result. */
  readonly report: (line: string) => void;
  /** The guest of `source`. */
  readonly program?: Program;
}

export interface Case {
  readonly name: string;
  /** A64 assembly. It is assembled where there is an assembler, which is not where the test runs. */
  readonly source?: string;
  /** Throws when it fails. */
  readonly run: (context: CaseContext) => void | Promise<void>;
}
