/** A guest inside the lab, on KVM, with its debugger's port outside. */
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { printed } from './inside.ts';
import type { Job, Lab } from './lab.ts';

export const stubPort = 1234;

/** A shell refuses longer arguments than 128 KiB. */
const PIECE = 64 << 10;

/** Puts a file into the lab. */
async function put(lab: Lab, name: string, bytes: Uint8Array): Promise<void> {
  const text = gzipSync(bytes).toString('base64');
  await lab.run(`rm -f ${name}.gz`);
  for (let at = 0; at < text.length; at += PIECE)
    await lab.run(`echo ${text.slice(at, at + PIECE)} | base64 -d >> ${name}.gz`);
  const { code, output } = await lab.run(`gunzip -f ${name}.gz`);
  if (code !== 0) throw new Error(output);
}

export interface Served {
  /** Outside. */
  readonly port: number;
  readonly job: Job;
  end(): Promise<void>;
}

/** Ends with the test. The guest is held at its first instruction. */
export async function serveInside(lab: Lab, elf: Uint8Array, options = ''): Promise<Served> {
  await put(lab, '/tmp/guest.elf', elf);
  const gdb = `--gdb tcp:0.0.0.0:${stubPort}`;
  const job = lab.start(`exec arm-gdbstub run /tmp/guest.elf -S --backend kvm -m 64M ${gdb} ${options}`);
  const end = async (): Promise<void> => {
    job.kill();
    await job.finished;
  };
  onTestFinished(end);
  await printed(job, 'is held');
  return { port: lab.port(stubPort), job, end };
}
