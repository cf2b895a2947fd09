/**
 * Speed of the simulator and of QEMU at bare-metal programs of one's own, one run after the other: images for the virt
 * board that print a line and power off. What both print must be the same but for the numbers of a clock.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { runImage } from './simulator.ts';

const ramSize = 256 << 20;
const rounds = 3;
/** Milliseconds for one run on QEMU. */
const patience = 120_000;

interface Run {
  readonly output: string;
  /** Milliseconds of the processor. */
  readonly cpu: number;
}

/** Undefined where QEMU is not installed. */
function onQemu(file: string): Run | undefined {
  const machine = ['-M', 'virt', '-cpu', 'cortex-a57', '-m', '256', '-display', 'none', '-monitor', 'none'];
  const command = ['qemu-system-aarch64', ...machine, '-serial', 'stdio', '-nic', 'none', '-kernel', file];
  // The shell tells the processor time of what it has waited for.
  const { stdout, stderr, status } = spawnSync('sh', ['-c', '"$@"; code=$?; times >&2; exit $code', 'sh', ...command], {
    encoding: 'latin1',
    timeout: patience,
    input: '',
  });
  if (status === 127) return undefined;
  if (status !== 0) throw new Error(`QEMU ended with ${status} at ${file}: ${stderr}`);
  const times = [
    ...stderr
      .trim()
      .split('\n')
      .at(-1)!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  const cpu = times.reduce((sum, [, minutes, seconds]) => sum + 60_000 * Number(minutes) + 1000 * Number(seconds), 0);
  return { output: stdout, cpu };
}

/** `RESULT name checksum ticks frequency`: without the ticks. */
const result = (output: string): string => /^(?:RESULT )?\S+ \S+/.exec(output.trim())?.[0] ?? output.trim();

const least = (values: readonly number[]): number => Math.min(...values);

export async function benchPrograms(folder: string): Promise<void> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.elf'))
    .sort();
  if (files.length === 0) throw new Error(`${folder} has no *.elf`);
  console.log(`programs: least processor time of ${rounds} rounds; millions of instructions a second; ratio to QEMU`);
  for (const name of files) console.log(await line(path.join(folder, name)));
}

async function line(file: string): Promise<string> {
  const ours: number[] = [];
  const qemus: number[] = [];
  let count = 0;
  let text = '';
  for (let round = 0; round < rounds; round++) {
    const { output, cpu, instructions } = await runImage(file, ramSize);
    ours.push(cpu);
    count = instructions;
    text = result(output);
    const qemu = onQemu(file);
    if (!qemu) continue;
    if (result(qemu.output) !== text) throw new Error(`${file}: "${text}", on QEMU "${result(qemu.output)}"`);
    qemus.push(qemu.cpu);
  }
  const mips = (milliseconds: number): string => (count / milliseconds / 1000).toFixed(0).padStart(6);
  const beside = qemus.length > 0 ? `QEMU${mips(least(qemus))} (${(least(qemus) / least(ours)).toFixed(2)})` : 'QEMU -';
  return `  ${path.basename(file, '.elf').padEnd(16)}${mips(least(ours))}   ${beside}   ${text}`;
}
