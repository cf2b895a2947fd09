/** The root file system of the lab: busybox, Node and its libraries, kernel modules, and the compiled project. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../bin/package.ts';
import { Archive } from '../packages/cpio.ts';
import { find, networkModules, type Parts } from '../packages/packages.ts';

const libraries = [
  'ld-linux-aarch64.so.1',
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'librt.so.1',
  'libstdc++.so.6',
];

/** `compiled`: the compiler's output, which becomes dist/. `files`: what else is wanted, by its name in the guest. */
export function initramfs(parts: Parts, compiled: string, files: Readonly<Record<string, string>> = {}): Archive {
  const archive = new Archive();
  const sources = path.join(packageRoot(), 'test/kvm');
  for (const name of ['/proc', '/sys', '/dev', '/tmp']) archive.directory(name);
  // The kernel opens it before anything is mounted.
  archive.characterDevice('/dev/console', 5, 1);
  archive.file('/init', readFileSync(path.join(sources, 'init.sh')), 0o755);
  archive.file('/bin/serve', readFileSync(path.join(sources, 'serve.sh')), 0o755);
  archive.file('/bin/arm-gdbstub', '#!/bin/sh\nexec node /project/dist/bin/arm-gdbstub.js "$@"\n', 0o755);
  archive.copy('/bin/busybox', path.join(parts.busybox, 'bin/busybox'));
  archive.copy('/bin/node', path.join(parts.node, 'bin/node'));
  for (const name of libraries) archive.copy(`/lib/aarch64-linux-gnu/${name}`, find(parts.libraries, name));
  archive.link('/lib/ld-linux-aarch64.so.1', 'aarch64-linux-gnu/ld-linux-aarch64.so.1');
  for (const name of networkModules) archive.copy(`/lib/modules/${name}.ko`, find([parts.kernel], `${name}.ko`));
  addProject(archive, compiled);
  addAddon(archive, parts);
  for (const [name, file] of Object.entries(files)) archive.copy(name, file);
  return archive;
}

/** Laid out as the published package is. */
function addProject(archive: Archive, compiled: string): void {
  const root = packageRoot();
  archive.copy('/project/package.json', path.join(root, 'package.json'));
  archive.copy('/project/demo', path.join(root, 'demo'));
  archive.copy('/project/dist', compiled, (file) => /\.(js|json|node|wasm|bin)$/.test(file));
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  for (const [name, { dev, optional }] of Object.entries(lock.packages))
    if (name.startsWith('node_modules/') && !dev && !optional)
      archive.copy(`/project/${name}`, path.join(root, name), (file) => /\.([cm]?js|json)$/.test(file));
}

/** As npm would install it on arm64. */
function addAddon(archive: Archive, { node }: Parts): void {
  const folder = path.join(packageRoot(), 'src/backend/kvm/native');
  execFileSync('make', ['-s', '-C', folder, `HEADERS=${path.join(node, 'include/node')}`], { stdio: 'pipe' });
  const description = readFileSync(path.join(folder, 'package.json'), 'utf8');
  const { name, files } = JSON.parse(description) as { name: string; files: readonly string[] };
  for (const file of ['package.json', ...files])
    archive.copy(`/project/node_modules/${name}/${file}`, path.join(folder, file));
}
