/** The servers that are measured beside each other, each a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Sources stay where they are; this file runs from dist/bench. */
const root = path.join(import.meta.dirname, '../..');
export const guest = path.join(root, 'bench/guest/calls.elf');
/** Never ends by itself. */
export const demo = path.join(root, 'demo/demo.elf');

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

const patience = 10_000;

/**
 * Binds this process, and the servers that it starts, to the processor it may use first: so no wake-up of an idle one
 * lies between a packet and its reply. False where there is no taskset.
 */
export function useOneProcessor(): boolean {
  const pid = String(process.pid);
  const { stdout } = spawnSync('taskset', ['-cp', pid], { encoding: 'utf8' });
  const first = /: (\d+)/.exec(stdout ?? '')?.[1];
  return first !== undefined && spawnSync('taskset', ['-acp', first, pid]).status === 0;
}

/** This project's command, held before its first instruction. */
export async function startOurs(file = guest): Promise<Server> {
  const folder = mkdtempSync(path.join(tmpdir(), 'arm-gdbstub-bench-'));
  const portFile = path.join(folder, 'port');
  const command = path.join(root, 'dist/bin/arm-gdbstub.js');
  const args = ['run', file, '-m', '64M', '-S', '--gdb', 'tcp:0', '--port-file', portFile, '--serial', 'null'];
  const process_ = spawn(process.execPath, [command, ...args], { stdio: 'ignore' });
  try {
    return { name: 'arm-gdbstub', port: await written(portFile), process: process_ };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function written(portFile: string): Promise<number> {
  for (let waited = 0; waited < patience; waited += 20) {
    await sleep(20);
    try {
      const port = Number.parseInt(readFileSync(portFile, 'utf8'), 10);
      if (port > 0) return port;
    } catch {
      // Not yet.
    }
  }
  throw new Error('arm-gdbstub does not listen');
}

/** QEMU with the same guest, or undefined where it is not installed. */
export async function startQemu(file = guest): Promise<Server | undefined> {
  if (spawnSync('qemu-system-aarch64', ['--version']).status !== 0) return undefined;
  const port = await freePort();
  const quiet = ['-nic', 'none', '-display', 'none', '-serial', 'none', '-monitor', 'none'];
  const machine = ['-M', 'virt', '-cpu', 'cortex-a57', '-m', '64', '-S', '-gdb', `tcp:127.0.0.1:${port}`];
  const process_ = spawn('qemu-system-aarch64', [...machine, ...quiet, '-kernel', file], { stdio: 'ignore' });
  await sleep(1500);
  return { name: 'QEMU', port, process: process_ };
}

/** Answers every packet with a register's 16 digits: the most that a server on Node can do. */
export async function startFixed(): Promise<Server> {
  const port = await freePort();
  const process_ = spawn(process.execPath, [path.join(import.meta.dirname, 'fixed.js'), String(port)], {
    stdio: 'ignore',
  });
  await sleep(500);
  return { name: 'fixed reply', port, process: process_ };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
