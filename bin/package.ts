/** The package that this command belongs to. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The directory of package.json, wherever the compiled files lie below it. Throws where there is none above them. */
export function packageRoot(): string {
  for (let directory = import.meta.dirname; ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, 'package.json'))) return directory;
    if (directory === path.dirname(directory)) throw new Error(`there is no package.json above ${import.meta.dirname}`);
  }
}

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
