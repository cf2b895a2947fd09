/** The root file system of the Linux guests: busybox, a shell on the console, a file to be summed. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Archive } from '../packages/cpio.ts';
import { find, type Parts } from '../packages/packages.ts';

/** Nobody is at the console: rdinit=/session. */
const session = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
echo "user space: Linux $(uname -r) on $(nproc)"
sha256sum /payload
poweroff -f
`;

const shell = `echo "user space: Linux $(uname -r) on $(nproc)"
setsid cttyhack sh
poweroff -f
`;

const init = (modules: readonly string[], script: string): string => `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ${modules.join(' ')}; do insmod "/lib/modules/$module.ko" || echo "no $module"; done
${script}`;

/** Something that no compression makes small. */
export const payload = Buffer.from(
  Array.from({ length: 4096 }, (_, i) => createHash('sha256').update(String(i)).digest('hex')).join(''),
);

export const payloadDigest = createHash('sha256').update(payload).digest('hex');

export interface Contents {
  /** Of the kernel, to be loaded in this order. */
  readonly modules?: readonly string[];
  /** What the first process does then: a shell on the console, and power off behind it, if nothing is told. */
  readonly script?: string;
  /** Files of this machine by their names in the guest. */
  readonly files?: Readonly<Record<string, string>>;
}

export function guestInitramfs({ busybox, kernel }: Parts, contents: Contents = {}): Buffer {
  const { modules = [], script = shell, files = {} } = contents;
  const archive = new Archive();
  for (const name of ['/proc', '/sys', '/dev', '/tmp', '/root', '/mnt']) archive.directory(name);
  archive.characterDevice('/dev/console', 5, 1);
  archive.file('/init', init(modules, script), 0o755);
  archive.file('/session', session, 0o755);
  archive.copy('/bin/busybox', path.join(busybox, 'bin/busybox'));
  archive.file('/payload', payload);
  for (const name of modules) archive.copy(`/lib/modules/${name}.ko`, find([kernel], `${name}.ko`));
  for (const [name, file] of Object.entries(files)) archive.copy(name, file);
  return Buffer.concat(archive.end());
}
