/** How long a machine lives: until it ends, a signal comes, or its time is over. */
import { constants } from 'node:os';
import { ExitCode, note } from './message.ts';

export interface LifetimeOptions {
  /** In seconds. */
  readonly timeout?: number;
  /** The debugger is at standard input: Ctrl-C in its terminal is meant for it, and it says so in the protocol. */
  readonly byStdio?: boolean;
}

/** The exit code. */
export async function lifetime(ended: Promise<number>, { timeout, byStdio }: LifetimeOptions): Promise<number> {
  const undo: (() => void)[] = [];
  const others = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // The shell's code for a program that a signal has ended.
      const listener = () => (byStdio && signal === 'SIGINT' ? undefined : resolve(128 + constants.signals[signal]));
      process.on(signal, listener);
      undo.push(() => process.off(signal, listener));
    }
    if (timeout === undefined) return;
    const timer = setTimeout(() => {
      note(`${timeout} seconds are over`);
      resolve(ExitCode.timeout);
    }, timeout * 1000);
    undo.push(() => clearTimeout(timer));
  });
  try {
    return await Promise.race([ended, others]);
  } finally {
    for (const each of undo) each();
  }
}

/** With a debugger at standard input: it has gone, and no other can come. */
export const inputEnded = (): Promise<number> =>
  new Promise((resolve) => {
    for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => resolve(ExitCode.done));
  });
