/** The root file system of the Linux guests: busybox, a shell on the console, a file to be summed. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { Archive } from '../kvm/cpio.ts';
import type { Parts } from '../kvm/packages.ts';

/** Nobody is at the console: rdinit=/session. */
const session = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
echo "user space: Linux $(uname -r) on $(nproc)"
sha256sum /payload
poweroff -f
`;

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in failover net_failover virtio_mmio virtio_net; do
  [ -e "/lib/modules/$module.ko" ] && insmod "/lib/modules/$module.ko"
done
echo "user space: Linux $(uname -r) on $(nproc)"
setsid cttyhack sh
poweroff -f
`;

/** Something that no compression makes small. */
export const payload = Buffer.from(
  Array.from({ length: 4096 }, (_, i) => createHash('sha256').update(String(i)).digest('hex')).join(''),
);

export const payloadDigest = createHash('sha256').update(payload).digest('hex');

export function guestInitramfs({ busybox }: Parts, files: Readonly<Record<string, string>> = {}): Buffer {
  const archive = new Archive();
  for (const name of ['/proc', '/sys', '/dev', '/tmp']) archive.directory(name);
  archive.characterDevice('/dev/console', 5, 1);
  archive.file('/init', init, 0o755);
  archive.file('/session', session, 0o755);
  archive.copy('/bin/busybox', path.join(busybox, 'bin/busybox'));
  archive.file('/payload', payload);
  for (const [name, file] of Object.entries(files)) archive.copy(name, file);
  return Buffer.concat(archive.end());
}
