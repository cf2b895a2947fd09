/**
 * A root file system of Debian on a disk: its packages as they are, unpacked by hand, so what their scripts would have
 * written is written here.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fetchRoot } from '../packages/packages.ts';

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
