/** The compiled command, for tests that run it as a process. Compiled once for each state of the sources. */
import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

export const root = path.join(import.meta.dirname, '../..');
/** Below node_modules, so that imports of packages resolve. */
const builds = path.join(root, 'node_modules/.cache/arm-gdbstub');

function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const folder of [
    'bin',
    'src',
    'scripts',
    'bench',
    'types',
    'test/backend',
    'test/kvm',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    const place = path.join(root, folder);
    if (!existsSync(place)) continue;
    const names = statSync(place).isDirectory()
      ? readdirSync(place, { recursive: true, encoding: 'utf8' }).sort()
      : [''];
    for (const name of names) {
      const status = statSync(path.join(place, name), { throwIfNoEntry: false });
      if (status?.isFile()) hash.update(`${folder}/${name} ${status.size} ${status.mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** The compiled bin/arm-gdbstub.js. */
export function builtCommand(): string {
  const wanted = path.join(builds, sourcesHash());
  if (!existsSync(wanted)) build(wanted);
  return path.join(wanted, 'bin/arm-gdbstub.js');
}

/** Other test files may do the same at the same time: the first one to be ready wins. */
function build(wanted: string): void {
  mkdirSync(builds, { recursive: true });
  for (const name of readdirSync(builds)) {
    const age = Date.now() - (statSync(path.join(builds, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 600_000) rmSync(path.join(builds, name), { recursive: true, force: true });
  }
  const directory = mkdtempSync(path.join(builds, 'new-'));
  const compiled = spawnSync(
    path.join(root, 'node_modules/.bin/tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', directory],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  const finished = spawnSync(process.execPath, [path.join(directory, 'scripts/finish-build.js')], { encoding: 'utf8' });
  if (finished.status !== 0) throw new Error(`tsc: ${compiled.stdout}\n${finished.stderr}`);
  try {
    renameSync(directory, wanted);
  } catch (error) {
    if (!existsSync(wanted)) throw error;
    rmSync(directory, { recursive: true });
  }
}

/** Messages must not depend on the user's language. */
const environment = { ...process.env, NO_COLOR: '', LC_ALL: 'de_DE.UTF-8' };

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export function run(...args: readonly string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [builtCommand(), ...args],
      { timeout: 60_000, maxBuffer: 1 << 26, env: environment },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** A running command. */
export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  readonly finished: Promise<Finished>;
}

/** Starts the command; it is ended with the test's `await using` or by itself. */
export function start(...args: readonly string[]): Started & AsyncDisposable {
  const child = spawn(process.execPath, [builtCommand(), ...args], { env: environment });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return {
    child,
    output,
    finished,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await finished;
    },
  };
}

/** Waits for a condition that another process brings about. */
export async function until<T>(condition: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The content of a port file, once it is there. */
export const portIn = (file: string): Promise<number> =>
  until(() => existsSync(file) && Number(readFileSync(file, 'utf8')));
