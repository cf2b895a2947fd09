/**
 * A root file system of Debian on a disk: its packages as they are, unpacked by hand, so what their scripts would have
 * written is written here. And the RAM disk of a kernel that finds it by virtio.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Archive } from '../kvm/cpio.ts';
import { fetchKernel, fetchParts, fetchRoot, type KernelLine } from '../kvm/packages.ts';

const packages = [
  ...['base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'grep', 'hostname', 'login', 'mount', 'passwd'],
  ...['procps', 'sed', 'sysvinit-core', 'util-linux'],
];

/** Written over what the packages bring. */
const settings: Readonly<Record<string, string>> = {
  'etc/inittab': [
    'id:2:initdefault:',
    'si::sysinit:/etc/rc.boot',
    'S0:2:respawn:/sbin/agetty -L ttyAMA0 115200 vt100',
    '',
  ].join('\n'),
  'etc/rc.boot': '#!/bin/sh\nmount -o remount,rw /\nmount -t proc proc /proc\nhostname debian\n',
  'etc/shadow': 'root::19000:0:99999:7:::\n',
  'etc/fstab': '/dev/vda / ext4 defaults 0 1\n',
  'etc/pam.d/common-auth': 'auth required pam_unix.so nullok\n',
  'etc/pam.d/common-account': 'account required pam_unix.so\n',
  'etc/pam.d/common-session': 'session required pam_unix.so\n',
  'etc/pam.d/common-session-noninteractive': 'session required pam_unix.so\n',
  'etc/pam.d/common-password': 'password required pam_unix.so\n',
};

/** The file of the disk. Made once. */
export const debianDisk = (): string =>
  path.join(fetchRoot('debian', packages, JSON.stringify(settings), makeDisk), 'disk.img');

function makeDisk(folder: string): void {
  const root = path.join(folder, 'root');
  for (const name of ['doc', 'man', 'locale', 'zoneinfo', 'perl', 'info'])
    rmSync(path.join(root, 'usr/share', name), { recursive: true, force: true });
  for (const name of ['passwd', 'group'])
    copyFileSync(path.join(root, `usr/share/base-passwd/${name}.master`), path.join(root, `etc/${name}`));
  // Whoever has no password gives none.
  const users = path.join(root, 'etc/passwd');
  writeFileSync(users, readFileSync(users, 'utf8').replace('root:*:', 'root:x:'));
  for (const [name, text] of Object.entries(settings)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  chmodSync(path.join(root, 'etc/rc.boot'), 0o755);
  const disk = path.join(folder, 'disk.img');
  execFileSync('truncate', ['-s', '192M', disk]);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, disk], { stdio: 'pipe' });
  rmSync(root, { recursive: true });
}

/** In the order in which they are to be loaded. */
const modules = [
  ...['crc16', 'crc32c_generic', 'libcrc32c', 'mbcache', 'jbd2', 'ext4', 'failover', 'net_failover'],
  ...['virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_console', 'virtio-rng'],
];

/** Loads the modules and does what `script` says, as its first process. */
export function modularKernel(
  line: KernelLine,
  script: string,
): { readonly kernel: string; readonly initramfs: Buffer } {
  const folder = fetchKernel(line, modules);
  const find = (name: string): string =>
    execFileSync('find', [folder, '-name', name], { encoding: 'utf8' }).trim().split('\n')[0];
  const archive = new Archive();
  for (const name of ['/proc', '/sys', '/dev', '/root', '/mnt', '/bin']) archive.directory(name);
  archive.characterDevice('/dev/console', 5, 1);
  archive.copy('/bin/busybox', path.join(fetchParts(line).busybox, 'bin/busybox'));
  for (const name of modules) archive.copy(`/modules/${name}.ko`, find(`${name}.ko`));
  const start = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in ${modules.join(' ')}; do insmod /modules/$module.ko || echo "no $module"; done
`;
  archive.file('/init', start + script, 0o755);
  return { kernel: find('vmlinuz-*'), initramfs: Buffer.concat(archive.end()) };
}
