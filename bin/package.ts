/** The package that this command belongs to. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The directory of package.json, wherever the compiled files lie below it. */
export function packageRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(path.join(directory, 'package.json'))) directory = path.dirname(directory);
  return directory;
}

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
