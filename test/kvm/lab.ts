/**
 * The lab: a real arm64 Linux with a working /dev/kvm, in QEMU on any machine, with Node and this project in it.
 * Commands run inside over a connection of their own; ports inside are reached from outside.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writevSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fetchParts, type KernelLine, kernelFile } from '../packages/packages.ts';
import { initramfs } from './initramfs.ts';

export interface LabOptions {
  readonly kernel: KernelLine;
  /** The compiler's output folder of this project. */
  readonly compiled: string;
  /** The version of the interrupt controller that the machine has, and so KVM's. */
  readonly gic?: 2 | 3;
  /**
   * The CPU has SVE. Not without need: QEMU 7.2 goes on with stale translations of code that was overwritten by SVE
   * stores, as memcpy makes them.
   */
  readonly sve?: boolean;
  /** Ports inside that are wanted outside: a port outside for each, 0 for a free one. */
  readonly ports?: Readonly<Record<number, number>>;
  /** Further files, by their names inside. */
  readonly files?: Readonly<Record<string, string>>;
  /** This terminal becomes the console, with a shell. */
  readonly shell?: boolean;
  /** Seconds after which QEMU is ended, whatever happens. */
  readonly lifetime?: number;
}

export interface Finished {
  readonly code: number;
  /** Standard output and standard error. */
  readonly output: string;
}

/** A command in the lab. */
export interface Job {
  /** So far. */
  readonly output: string;
  /** Code -1 when it was ended from outside, or the lab with it. */
  readonly finished: Promise<Finished>;
  kill(): void;
}

const controlPort = 1000;
/** Milliseconds. */
const bootPatience = 180_000;

export class Lab {
  /** When the machine has ended. */
  readonly ended: Promise<void>;
  readonly #qemu: ChildProcess;
  readonly #ports: Readonly<Record<number, number>>;
  #console = '';
  #over = false;

  private constructor(qemu: ChildProcess, ports: Readonly<Record<number, number>>) {
    this.#qemu = qemu;
    this.#ports = ports;
    for (const stream of [qemu.stdout, qemu.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#console += text;
      });
    this.ended = new Promise((resolve) => qemu.once('close', () => resolve()));
    void this.ended.then(() => {
      this.#over = true;
    });
  }

  /** Comes back when commands can be run inside. */
  static async boot(options: LabOptions): Promise<Lab> {
    const parts = fetchParts(options.kernel);
    const folder = mkdtempSync(path.join(tmpdir(), 'arm-gdbstub-lab-'));
    let qemu: ChildProcess | undefined;
    const end = (): void => {
      qemu?.kill();
      rmSync(folder, { recursive: true, force: true });
    };
    process.once('exit', end);
    try {
      const disk = path.join(folder, 'initramfs');
      writeChunks(disk, initramfs(parts, options.compiled, options.files).end());
      const ports = await freePorts({ [controlPort]: 0, ...options.ports });
      qemu = startQemu(kernelFile(parts), disk, ports, options);
      const lab = new Lab(qemu, ports);
      void lab.ended.then(() => process.off('exit', end));
      await lab.#ready();
      rmSync(folder, { recursive: true });
      return lab;
    } catch (error) {
      end();
      throw error;
    }
  }

  /** The port outside that leads to this one inside. */
  port(inside: number): number {
    return this.#ports[inside];
  }

  /** What the machine has printed on its console. */
  get console(): string {
    return this.#console;
  }

  /** Starts a command of the shell. */
  start(command: string, onOutput?: (text: string) => void): Job {
    const socket = net.connect(this.port(controlPort), '127.0.0.1', () =>
      socket.write(`${Buffer.from(command).toString('base64')}\n`),
    );
    const greeting = 'lab\n';
    let text = '';
    let shown = greeting.length;
    const show = (end: number): void => {
      if (end > shown) onOutput?.(text.slice(shown, end));
      shown = Math.max(shown, end);
    };
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      // What may be the end mark is kept back.
      const tail = /\n(?:l|la|lab|lab \d*\n?)?$/.exec(text);
      show(tail?.index ?? text.length);
    });
    const finished = new Promise<Finished>((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => {
        const end = /\nlab (\d+)\n$/.exec(text);
        show(end?.index ?? text.length);
        resolve({ code: end ? Number(end[1]) : -1, output: text.slice(greeting.length, end?.index) });
      });
    });
    return {
      get output() {
        return text.slice(greeting.length);
      },
      finished,
      kill: () => void socket.destroy(),
    };
  }

  /** Runs a command of the shell to its end. */
  run(command: string, onOutput?: (text: string) => void): Promise<Finished> {
    return this.start(command, onOutput).finished;
  }

  async close(): Promise<void> {
    this.#qemu.kill();
    await this.ended;
  }

  /** QEMU takes every connection at once and drops it when nobody listens inside: only the greeting tells. */
  async #ready(): Promise<void> {
    for (const deadline = Date.now() + bootPatience; !this.#over && Date.now() < deadline; ) {
      if (await greeted(this.port(controlPort))) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the lab has not come up:\n${this.#console}`);
  }
}

function greeted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('close', () => resolve(false));
  });
}

/** Under coreutils' `timeout`, which ends it even when this process is killed. */
function startQemu(kernel: string, disk: string, ports: Readonly<Record<number, number>>, options: LabOptions) {
  const { shell = false, gic = 3, sve = false, lifetime = 900 } = options;
  const cpu = `max,pauth-impdef=on,sve=${sve ? 'on' : 'off'}`;
  const forwards = Object.entries(ports).map(([inside, port]) => `hostfwd=tcp:127.0.0.1:${port}-:${inside}`);
  const append = `console=ttyAMA0 quiet panic=-1 mitigations=off rdinit=/init${shell ? ' lab.shell' : ''}`;
  const args = [
    ...['-M', `virt,virtualization=on,gic-version=${gic}`, '-cpu', cpu, '-smp', '2', '-m', '1G'],
    ...['-nodefaults', '-display', 'none', '-no-reboot', '-serial', shell ? 'mon:stdio' : 'stdio'],
    ...['-netdev', ['user', 'id=net', ...forwards].join(','), '-device', 'virtio-net-device,netdev=net'],
    ...['-kernel', kernel, '-initrd', disk, '-append', append],
  ];
  const bound = ['-k', '5', ...(shell ? ['--foreground'] : []), String(lifetime), 'qemu-system-aarch64'];
  return spawn('timeout', [...bound, ...args], { stdio: shell ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
}

function writeChunks(file: string, chunks: readonly Buffer[]): void {
  const descriptor = openSync(file, 'w');
  try {
    for (let at = 0; at < chunks.length; at += 512) writevSync(descriptor, chunks.slice(at, at + 512));
  } finally {
    closeSync(descriptor);
  }
}

async function freePorts(wanted: Readonly<Record<number, number>>): Promise<Record<number, number>> {
  const servers: net.Server[] = [];
  const ports: Record<number, number> = {};
  for (const [inside, port] of Object.entries(wanted)) {
    const server = net.createServer().listen(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
    servers.push(server);
    ports[Number(inside)] = (server.address() as net.AddressInfo).port;
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}
