/** How long a Linux kernel takes to the first line of its user space, on the simulator and on QEMU. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

const command = path.join(import.meta.dirname, '../bin/arm-gdbstub.js');
const append = 'console=ttyAMA0';
/** Milliseconds for one boot. */
const patience = 300_000;

/** What the kernel says before it starts its first process; the next line without a time is that process's. */
const firstLine = /Run \S+ as init process\n(?:\[.*\n)*([^[\s].*)\n/;

/** Seconds, and the line; undefined where the program is not installed. */
function boot(program: string, args: readonly string[]): Promise<{ seconds: number; line: string } | undefined> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const timer = setTimeout(() => child.kill(), patience);
    let text = '';
    child.on('error', () => resolve(undefined));
    child.on('close', () => {
      clearTimeout(timer);
      reject(new Error(`${program}: no user space after:\n${text.slice(-1000)}`));
    });
    child.stdout.setEncoding('latin1').on('data', (piece: string) => {
      text += piece.replaceAll('\r', '');
      const line = firstLine.exec(text)?.[1];
      if (line === undefined) return;
      resolve({ seconds: (performance.now() - begin) / 1000, line: line.trim() });
      child.kill();
    });
  });
}

export async function benchLinux(kernel: string, initrd: string): Promise<void> {
  console.log("linux: seconds to the first line of user space, by the clock, from the program's start");
  const machine = ['-M', 'virt,gic-version=3', '-m', '512M', '-kernel', kernel, '-initrd', initrd, '-append', append];
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-nic', 'none'];
  const simulator = ['run', ...machine, '--backend', 'simulator', '--gdb', 'tcp:0'];
  const ours = await boot(process.execPath, [command, ...simulator]);
  const qemu = await boot('qemu-system-aarch64', [...machine, '-cpu', 'cortex-a57', ...quiet]);
  console.log(`  arm-gdbstub ${ours?.seconds.toFixed(1)}   QEMU ${qemu?.seconds.toFixed(1) ?? '-'}   ${ours?.line}`);
}
