/** Debian's packages for arm64 by its own clients, on a machine of any architecture, which stays as it is. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from './cache.ts';

/** These packages and all that they depend on, into a new folder. */
export function unpackClosure(packages: readonly string[], root: string): void {
  process.stderr.write(`lab: fetching ${packages.join(', ')} for arm64, with what they depend on\n`);
  const downloads = mkdtempSync(path.join(cacheFolder(), 'new-'));
  try {
    mkdirSync(path.join(downloads, 'partial'));
    mkdirSync(root);
    const options = [
      '-y',
      '-qq',
      '--no-install-recommends',
      '--download-only',
      '-o',
      `Dir::Cache::archives=${downloads}`,
    ];
    apt('apt-get', ['install', ...options, ...packages], downloads);
    const unpack = 'for deb in "$0"/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" || exit 1; done';
    execFileSync('sh', ['-c', unpack, downloads, root], { stdio: 'pipe' });
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** The wanted files of the newest package whose name is wanted. */
export function unpackDebian(wanted: RegExp, files: readonly string[], folder: string): void {
  const name = newest(wanted);
  process.stderr.write(`lab: fetching ${name} for arm64\n`);
  const downloads = mkdtempSync(path.join(cacheFolder(), 'new-'));
  try {
    apt('apt-get', ['download', '-qq', name], downloads);
    const [file] = readdirSync(downloads);
    const command = 'dpkg-deb --fsys-tarfile "$0" | tar -x --wildcards --no-same-owner -C "$@"';
    execFileSync('sh', ['-c', command, path.join(downloads, file), folder, ...files], { stdio: 'pipe' });
    execFileSync('sh', ['-c', 'find "$0" -name "*.xz" -exec unxz {} +', folder], { stdio: 'pipe' });
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** A source package in this Debian version, with Debian's patches, into a new folder. */
export function unpackSource(name: string, version: string, folder: string): void {
  process.stderr.write(`lab: fetching the source of ${name} ${version}\n`);
  const downloads = mkdtempSync(path.join(cacheFolder(), 'new-'));
  try {
    // The machine's own sources of packages may have no sources of programs.
    const format = 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)';
    const list = path.join(downloads, 'sources.list');
    writeFileSync(list, apt('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']));
    mkdirSync(path.join(downloads, 'lists/partial'), { recursive: true });
    const settings = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${downloads}/lists`,
    ];
    const options = settings.flatMap((setting) => ['-o', setting]);
    apt('apt-get', ['update', '-qq', ...options]);
    apt('apt-get', ['source', '-qq', '--download-only', ...options, `${name}=${version}`], downloads);
    const description = readdirSync(downloads).find((file) => file.endsWith('.dsc'))!;
    execFileSync('dpkg-source', ['-x', description, folder], { cwd: downloads, stdio: 'pipe' });
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** The package of the highest version whose name is wanted. */
function newest(wanted: RegExp): string {
  const prefix = /^\^([\w-]*)/.exec(wanted.source)![1];
  const names = apt('apt-cache', ['pkgnames', prefix])
    .split('\n')
    .filter((name) => wanted.test(name));
  if (names.length === 0)
    throw new Error(`apt knows no package ${wanted.source} for arm64: the lab needs the package sources of Debian 12`);
  const text = apt('apt-cache', ['show', '--no-all-versions', ...names]);
  const versions = [...text.matchAll(/^Package: (.*)\n(?:.+\n)*?Version: (.*)$/gm)];
  versions.sort(([, , one], [, , other]) => one.localeCompare(other, 'en', { numeric: true }));
  return versions.at(-1)![1];
}

let aptConfiguration: string | undefined;

/** One of apt's programs, for arm64, with lists of its own: the machine's packages and architectures stay as they are. */
function apt(program: string, args: readonly string[], folder = cacheFolder()): string {
  const run = (command: string, parameters: readonly string[]): string =>
    execFileSync(command, parameters, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, APT_CONFIG: aptConfiguration, LC_ALL: 'C' },
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  if (aptConfiguration === undefined) {
    const own = path.join(cacheFolder(), 'apt');
    mkdirSync(path.join(own, 'lists/partial'), { recursive: true });
    mkdirSync(path.join(own, 'cache/archives/partial'), { recursive: true });
    aptConfiguration = path.join(own, 'apt.conf');
    writeFileSync(aptConfiguration, aptSettings(own));
    run('apt-get', ['update', '-qq']);
  }
  return run(program, args);
}

const aptSettings = (folder: string): string => `
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State::status "/dev/null";
Dir::State::lists "${folder}/lists";
Dir::Cache "${folder}/cache";
`;
