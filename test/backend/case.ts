/** A test that runs in any process, under vitest or without: on this machine, or in the lab on a real kernel. */
export interface Case {
  readonly name: string;
  /** Throws when it fails. What it gives to `report` is printed with its result. */
  readonly run: (report: (line: string) => void) => void | Promise<void>;
}
