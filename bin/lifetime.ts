/** How long a machine lives: until it ends, a signal comes, or its time is over. */
import { constants } from 'node:os';
import { ExitCode, note } from './message.ts';

/** The exit code. */
export async function lifetime(ended: Promise<number>, seconds: number | undefined): Promise<number> {
  const undo: (() => void)[] = [];
  const others = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // The shell's code for a program that a signal has ended.
      const listener = () => resolve(128 + constants.signals[signal]);
      process.once(signal, listener);
      undo.push(() => process.off(signal, listener));
    }
    if (seconds === undefined) return;
    const timer = setTimeout(() => {
      note(`${seconds} seconds are over`);
      resolve(ExitCode.timeout);
    }, seconds * 1000);
    undo.push(() => clearTimeout(timer));
  });
  try {
    return await Promise.race([ended, others]);
  } finally {
    for (const each of undo) each();
  }
}
