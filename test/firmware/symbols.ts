/**
 * The symbols of Debian's U-Boot, which its package leaves out: built again from Debian's source, which gives the same
 * bytes, so that its addresses and its lines are right.
 */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fetchSource } from '../packages/packages.ts';

const recipe = (revision: string): string => `
export SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)
build="make -s -j$(nproc) O=../build CROSS_COMPILE=aarch64-linux-gnu-"
$build qemu_arm64_defconfig
sed -i 's/^CONFIG_LOCALVERSION=.*/CONFIG_LOCALVERSION="${revision}"/' ../build/.config
$build u-boot
`;

/** The ELF file with symbols and debugging information. Throws with a program's words where one fails. */
export function uBootSymbols(): string {
  const [, version] = execFileSync('dpkg-query', ['-W', 'u-boot-qemu'], { encoding: 'utf8' }).trim().split('\t');
  const script = recipe(version.slice(version.indexOf('+')));
  const folder = fetchSource('u-boot', version, script, (fresh) => {
    process.stderr.write(`lab: building U-Boot ${version} for its symbols\n`);
    execFileSync('sh', ['-e', '-c', script], { cwd: path.join(fresh, 'source'), stdio: 'pipe' });
    renameSync(path.join(fresh, 'build/u-boot'), path.join(fresh, 'u-boot'));
    for (const name of ['source', 'build']) rmSync(path.join(fresh, name), { recursive: true });
  });
  return path.join(folder, 'u-boot');
}
