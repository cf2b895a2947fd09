/** What was fetched for the tests, kept between runs in a folder that may be deleted at any time. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

export const cacheFolder = (): string =>
  process.env.ARM_GDBSTUB_LAB ??
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'arm-gdbstub/lab');

/** A folder that `fill` has filled, once for each recipe: whole or not there. */
export function part(name: string, recipe: string, fill: (folder: string) => void): string {
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 8);
  const wanted = path.join(cacheFolder(), `${name}-${hash}`);
  if (existsSync(wanted)) return wanted;
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(path.join(cacheFolder(), 'new-'));
  try {
    fill(folder);
    // Another process may have been faster; its files are as good.
    if (!existsSync(wanted)) renameSync(folder, wanted);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return wanted;
}
