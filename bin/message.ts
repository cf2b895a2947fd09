/** What the command says to its user. Standard output belongs to the guest and to results, so all of it goes to standard error. */

/** A mistake of the user, told in one sentence and without a stack trace. */
export class UserError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = ExitCode.usage) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** README.md, "Exit codes". */
export const ExitCode = {
  /** Done; of a machine: the guest powered off. */
  done: 0,
  /** A file, an address or the machine failed; `demo --check`: the guest did not feel an edit. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** As timeout(1). */
  timeout: 124,
} as const;

const styles = { error: 31, good: 32, note: 36 } as const;

const coloured = (): boolean => process.stderr.isTTY && !process.env.NO_COLOR;

/** The text in the colour of its kind, on a terminal only. */
export const styled = (kind: keyof typeof styles, text: string): string =>
  coloured() ? `\x1b[${styles[kind]}m${text}\x1b[0m` : text;

/** Called before anything is said: a line that shows how things go makes room. */
export const beforeSaying: (() => void)[] = [];

export function say(text: string): void {
  for (const act of beforeSaying) act();
  process.stderr.write(`${text}\n`);
}

export const complain = (text: string): void => say(`${styled('error', 'arm-gdbstub:')} ${text}`);

/** What happens, for whoever watches. */
export const note = (text: string): void => say(`${styled('note', 'arm-gdbstub:')} ${text}`);
