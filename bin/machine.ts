/** The composition root: an image becomes a machine, the machine a debugger's target, the target a server. */
import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { encodingNumber } from '../src/arm/index.ts';
import {
  type Boot,
  BootError,
  type CpuModelName,
  cpuModel,
  cpuModelNames,
  FLASH_BASE,
  Guest,
  type Image,
  ImageError,
  inspectKvm,
  KvmError,
  KvmMachine,
  type KvmOptions,
  MAXIMUM_CPUS,
  type PeripheralChoice,
  parseImage,
  RAM_BASE,
  restoredNotes,
  SimulatorMachine,
  type SimulatorOptions,
  type Snapshot,
  sysregId,
  type Usage,
} from '../src/backend/index.ts';
import { type Address, formatAddress, type Server, type Stop, serve, TargetError } from '../src/gdbstub/index.ts';
import { complain, ExitCode, note, UserError } from './message.ts';
import type { SerialTarget } from './options.ts';
import { packageVersion } from './package.ts';

export type Backend = 'auto' | 'simulator' | 'kvm';

export interface MachineOptions {
  /** The simulator. */
  readonly backend?: Backend;
  /** One. */
  readonly cpus?: number;
  /** For a Linux kernel. */
  readonly commandLine?: string;
  readonly initrd?: Uint8Array;
  /** The image; without one the RAM is empty. */
  readonly file?: Uint8Array;
  /** For messages. */
  readonly fileName: string;
  /** What the machine starts from. Without an image a reset goes back to it, too. */
  readonly snapshot?: Snapshot;
  readonly listen: Address;
  /** Held at the first instruction until a debugger lets it go. */
  readonly hold: boolean;
  /** RAM in bytes. */
  readonly memory: bigint;
  readonly serial: (bytes: Uint8Array) => void;
  /** What the guest finds on its serial port as soon as it looks. */
  readonly input?: Uint8Array;
  /** Other devices than the serial port. */
  readonly peripherals?: Omit<PeripheralChoice, 'serial' | 'seed'>;
  /** `host` or any other; otherwise the host's on KVM, and always the same on the simulator. */
  readonly seed?: string;
  /** The device tree of the user's own. */
  readonly deviceTree?: Uint8Array;
  readonly gicVersion?: 2 | 3;
  /** `host` is that of KVM. */
  readonly cpu?: CpuModelName | 'host';
  readonly semihosting?: boolean;
  readonly sysregs: string;
  readonly fields: string;
  readonly allowKill: boolean;
}

export interface RunningMachine {
  readonly image: Image;
  readonly address: Address;
  /** How the machine started. */
  readonly boot: Boot;
  /** What it has done so far, where it counts. */
  usage(): Usage | undefined;
  /** Bytes for the guest's serial port; returns how many were taken. */
  receive(bytes: Uint8Array): number;
  /** Likewise for its virtio console. */
  receiveConsole(bytes: Uint8Array): number;
  /** The exit code, when the guest has ended by itself or was killed. */
  readonly ended: Promise<number>;
  /** Ends the connection, and the machine with it. */
  close(): Promise<void>;
}

/** Throws UserError where the file, the memory or the address is not to be had. */
export async function startMachine(options: MachineOptions): Promise<RunningMachine> {
  const image = load(options);
  const machine = build(image, options);
  if (options.input) machine.receive(options.input);
  let end: (stop: Stop) => void = () => undefined;
  const ended = new Promise<Stop>((resolve) => {
    end = resolve;
  });
  const { sysregs, fields, allowKill, file, snapshot } = options;
  const kill = allowKill ? () => undefined : undefined;
  const origin = file === undefined ? snapshot : undefined;
  const guest = new Guest(machine, { sysregs, fields, log: complain, kill, origin });
  if (snapshot) restore(guest, machine, snapshot);
  const server = await listen(guest, options, end);
  return {
    image,
    address: server.address,
    boot: machine.boot,
    usage: () => (machine instanceof SimulatorMachine ? machine.usage : undefined),
    receive: (bytes) => machine.receive(bytes),
    receiveConsole: (bytes) => machine.receiveConsole(bytes),
    ended: ended.then(exitCodeOf),
    close: async () => {
      await server.close();
      machine.close();
    },
  };
}

function restore(guest: Guest, machine: SimulatorMachine | KvmMachine, snapshot: Snapshot): void {
  const restored = guest.state.restore(snapshot);
  if (restored instanceof TargetError) {
    machine.close();
    throw new UserError(restored.message, ExitCode.failed);
  }
  for (const line of restoredNotes(restored)) note(line);
}

/** The device tree that a guest would get, without a debugger. Throws as startMachine does. */
export function deviceTreeOf(options: Omit<MachineOptions, 'listen'>): Uint8Array {
  const machine = build(load(options), options);
  const { tree } = machine.boot;
  machine.close();
  return tree;
}

type BuildOptions = Omit<MachineOptions, 'listen'>;

function load({ file, fileName, memory, peripherals }: BuildOptions): Image {
  if (peripherals?.firmware) return { kind: 'firmware', segments: [], entry: BigInt(FLASH_BASE) };
  if (file === undefined) return { kind: 'flat', segments: [], entry: BigInt(RAM_BASE) };
  const image = parseImage(file, { start: BigInt(RAM_BASE), length: memory });
  if (image instanceof ImageError) throw new UserError(`${fileName}: ${image.message}`, ExitCode.failed);
  return image;
}

/** Which machine `auto` takes, and why not KVM. */
export function chooseBackend(): { readonly backend: 'kvm' | 'simulator'; readonly obstacle?: string } {
  const { obstacle } = inspectKvm();
  return obstacle === undefined ? { backend: 'kvm' } : { backend: 'simulator', obstacle };
}

function build(image: Image, options: BuildOptions): SimulatorMachine | KvmMachine {
  const { backend = 'simulator' } = options;
  const chosen = backend === 'auto' ? chooseBackend() : { backend };
  // Elsewhere nobody expects KVM.
  if (
    chosen.backend !== 'kvm' &&
    chosen.obstacle !== undefined &&
    process.platform === 'linux' &&
    process.arch === 'arm64'
  )
    note(`the simulator takes the place of KVM: ${chosen.obstacle}`);
  const { memory, commandLine, initrd, deviceTree, serial, peripherals, gicVersion: gic } = options;
  const common = { ramSize: Number(memory), image, commandLine, initrd, deviceTree, serial, ...peripherals, gic };
  try {
    return chosen.backend === 'kvm' ? buildKvm(common, options) : buildSimulator(common, options);
  } catch (error) {
    if (!(error instanceof KvmError || error instanceof BootError)) throw error;
    throw new UserError(error.message, ExitCode.failed);
  }
}

function buildKvm(common: KvmOptions, { cpus, cpu = 'host', seed = 'host', semihosting }: BuildOptions): KvmMachine {
  if (semihosting) throw new UserError('KVM does not tell of semihosting calls: that takes --backend simulator');
  if (cpu !== 'host' && cpu !== 'max')
    throw new UserError(`KVM has the host's CPU, and no ${cpu}: write --cpu host, or --backend simulator`);
  return new KvmMachine({ ...common, cpus, seed, log: complain });
}

const MIDR_EL1 = encodingNumber([3, 0, 0, 0, 0]);

/** Which CPU of the simulator a snapshot is of. */
function savedCpu(snapshot: Snapshot | undefined): CpuModelName | undefined {
  const identity = snapshot?.cpus[0]?.registers.get(sysregId(MIDR_EL1));
  return cpuModelNames.find((name) => cpuModel(name).registers.get(MIDR_EL1) === identity);
}

function buildSimulator(
  common: SimulatorOptions,
  { cpus = 1, snapshot, cpu = savedCpu(snapshot), memory, seed = '', semihosting }: BuildOptions,
): SimulatorMachine {
  if (cpu === 'host') throw new UserError('the simulator has no CPU of the host: that takes --backend kvm');
  if (cpus > MAXIMUM_CPUS) throw new UserError(`the simulator has at most ${MAXIMUM_CPUS} CPUs, not ${cpus}`);
  try {
    return new SimulatorMachine({ ...common, cpus, cpu, seed, semihosting });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(`${memory >> 20n} MiB of RAM are more than the simulator can have here`, ExitCode.failed);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  EADDRNOTAVAIL: 'this host has no such address',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such directory',
  ENOTFOUND: 'there is no such host',
};

/** `reason` of a failed system call in words. */
export const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && reasons[code]) ?? message;
};

async function listen(guest: Guest, options: MachineOptions, ended: (stop: Stop) => void): Promise<Server> {
  try {
    return await serve(guest, {
      listen: options.listen,
      running: !options.hold,
      allowKill: options.allowKill,
      ended,
      log: note,
      name: 'arm-gdbstub',
      version: packageVersion(),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    const place = formatAddress(options.listen);
    throw new UserError(`cannot listen at ${place}: ${listenReason(options.listen, error)}`, ExitCode.failed);
  }
}

function listenReason(address: Address, error: unknown): string {
  // Node tells EACCES of a directory that is not there.
  if (address.kind === 'unix' && !existsSync(path.dirname(address.path))) return reasons.ENOENT;
  const hint = address.kind === 'tcp' && (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return `${reasonOf(error)}${hint ? ' (tcp:0 chooses a free port)' : ''}`;
}

const SIGKILL = 9;

function exitCodeOf(stop: Stop): number {
  if (stop.kind === 'exited') {
    note('the guest has powered off');
    return stop.code;
  }
  if (stop.kind === 'terminated' && stop.signal === SIGKILL) {
    note('the debugger has killed the guest');
    return ExitCode.done;
  }
  complain('the machine cannot go on');
  return ExitCode.failed;
}

/** What the reader of standard output may be behind. */
const mostUnread = 16 << 20;
let behind = false;

/** The guest's console on standard output. A reader that stalls loses some of it instead of filling the memory. */
export function writeConsole(bytes: Uint8Array): void {
  if (process.stdout.writableLength < mostUnread) {
    behind = false;
    process.stdout.write(bytes);
    return;
  }
  if (!behind) complain('nobody reads standard output: the console is not all there');
  behind = true;
}

/** Where the guest's console goes. */
export function openSerial(target: SerialTarget): { write: (bytes: Uint8Array) => void; close: () => void } {
  if (target.kind === 'null') return { write: () => undefined, close: () => undefined };
  if (target.kind === 'stdio') return { write: writeConsole, close: () => undefined };
  const file = openConsole(target.path);
  let broken = false;
  const write = (bytes: Uint8Array): void => {
    if (broken) return;
    try {
      writeSync(file, bytes);
    } catch (error) {
      // A full disk is no reason to end the guest.
      broken = true;
      complain(`${target.path} gets no more of the console: ${reasonOf(error)}`);
    }
  };
  return { write, close: () => closeSync(file) };
}

function openConsole(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${reasonOf(error)}`, ExitCode.failed);
  }
}

/** Whole or not at all: a script that waits for the file reads no half of a number. */
export function writePortFile(path: string, address: Address): void {
  const text = address.kind === 'tcp' ? address.port : address.kind === 'unix' ? address.path : 'stdio';
  const unfinished = `${path}.new`;
  try {
    writeFileSync(unfinished, `${text}\n`);
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw new UserError(`cannot write ${path}: ${reasonOf(error)}`, ExitCode.failed);
  }
}
