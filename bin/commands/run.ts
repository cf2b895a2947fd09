/** `run FILE`: a guest with a debugger's port. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { ArgumentsCamelCase, Argv, CommandModule, Options as OptionDefinition } from 'yargs';
import {
  type CpuModelName,
  cpuModelNames,
  type PeripheralChoice,
  readSnapshot,
  type Snapshot,
  SnapshotError,
  type Usage,
} from '../../src/backend/index.ts';
import { type Address, formatAddress } from '../../src/gdbstub/index.ts';
import { openDisk, openNetwork, openVariables } from '../devices.ts';
import { inputEnded, lifetime } from '../lifetime.ts';
import {
  type Backend,
  deviceTreeOf,
  openSerial,
  type RunningMachine,
  reasonOf,
  startMachine,
  writePortFile,
} from '../machine.ts';
import { ExitCode, note, UserError } from '../message.ts';
import {
  optionsWithValue,
  parseCount,
  parseDrive,
  parseListen,
  parseMachine,
  parseNetwork,
  parseRegisters,
  parseRtc,
  parseSeconds,
  parseSerial,
  parseSize,
  type SerialTarget,
} from '../options.ts';
import { StatusLine } from '../status.ts';
import { forwardInput, hasTerminal, inputFromFile } from '../terminal.ts';

const registerChoice = 'common, all, none, or patterns between commas';

export const runOptions = {
  kernel: { type: 'string', describe: "QEMU's word for FILE" },
  gdb: { type: 'string', describe: 'Where to wait for a debugger: tcp:[HOST:]PORT, unix:PATH, stdio [tcp:1234]' },
  s: { type: 'boolean', describe: 'As --gdb tcp:1234' },
  hold: { alias: 'S', type: 'boolean', default: false, describe: 'Hold the guest at its first instruction' },
  backend: {
    choices: ['auto', 'simulator', 'kvm'],
    default: 'auto',
    describe: 'The machine; auto takes KVM where it can (see doctor)',
  },
  snapshot: { type: 'string', describe: 'Start from this file of monitor snapshot save, with or without FILE' },
  cpus: { alias: 'smp', type: 'string', describe: 'How many CPUs [1]' },
  cpu: {
    choices: [...cpuModelNames, 'host'],
    describe: 'Which CPU [max: all that the simulator has]; host is that of KVM',
  },
  'gic-version': { choices: ['2', '3'], describe: 'The interrupt controller [3]' },
  append: { type: 'string', describe: 'Command line of a Linux kernel' },
  initrd: { type: 'string', describe: 'Initial RAM disk of a Linux kernel' },
  bios: { type: 'string', describe: 'Firmware in flash, in place of FILE: it starts at address 0' },
  variables: { type: 'string', describe: 'What the firmware keeps in flash: read, and written to' },
  drive: { type: 'string', describe: 'A raw disk: FILE[,readonly=on][,snapshot=on]; may be given again' },
  net: { type: 'string', describe: 'A network card: loopback, or unix:PATH to another machine' },
  console: { type: 'string', describe: 'A second console, by virtio: as --serial' },
  dtb: { type: 'string', describe: "A device tree of one's own" },
  'dump-dtb': { alias: 'dumpdtb', type: 'string', describe: 'Write the device tree to this file, and run nothing' },
  rtc: { type: 'string', describe: "The guest's clock at its start: 2026-01-31T12:00:00, or host [host]" },
  seed: { type: 'string', describe: "Of the guest's randomness: host, or any word for the same in every run" },
  memory: { alias: 'm', type: 'string', describe: 'RAM, from 0x40000000 on: 256M, 1G [256M]' },
  serial: { type: 'string', describe: "The guest's console: stdio, null, file:PATH [stdio]" },
  sysregs: { type: 'string', default: 'all', describe: `System registers shown: ${registerChoice}` },
  fields: { type: 'string', default: 'common', describe: `Those that gdb also sees by field: ${registerChoice}` },
  'port-file': { type: 'string', describe: 'Gets the port (or path) once a debugger can connect' },
  timeout: { type: 'string', describe: `Seconds after which it ends, with exit code ${ExitCode.timeout}` },
  semihosting: { type: 'boolean', describe: 'Answer HLT #0xF000: console, time, exit; no files (simulator)' },
  machine: { alias: 'M', type: 'string', describe: "QEMU's: virt[,gic-version=2]" },
  nographic: { type: 'boolean', describe: "QEMU's: it is so" },
  'allow-kill': { type: 'boolean', default: false, describe: "A debugger's kill ends the guest; else it detaches" },
} as const satisfies Record<string, OptionDefinition>;

const builder = (yargs: Argv) =>
  yargs
    .positional('file', { type: 'string', describe: 'ELF file, Linux Image, or plain bytes for the start of the RAM' })
    .options(runOptions)
    .requiresArg(optionsWithValue(runOptions))
    .conflicts('s', 'gdb')
    .conflicts('kernel', 'file')
    .conflicts('bios', ['file', 'kernel', 'initrd', 'append'])
    .example('$0 run guest.elf -S', 'wait for a debugger at port 1234, then start')
    .example('$0 run Image -m 1G --gdb tcp:0 --port-file port', 'a free port, for scripts')
    .example('$0 run --snapshot boot.snap', 'go on from where the snapshot was made')
    .example("$0 run vmlinuz --initrd initrd.img --append 'console=ttyAMA0' -m 512M", 'boot Linux')
    .example('$0 run --bios u-boot.bin --drive disk.img', 'U-Boot')
    .example('$0 run -kernel guest.elf -s -S -m 128', "QEMU's spelling")
    .epilogue(
      'Standard output carries the console of the guest and nothing else; a terminal is its keyboard, and Ctrl-A X leaves. ' +
        'Exit code: 0 when the guest powers off.',
    );

type Parsed = ReturnType<typeof builder> extends Argv<infer Values> ? Values : never;
type Options = ArgumentsCamelCase<Parsed>;

export const run: CommandModule<unknown, Parsed> = {
  command: 'run [file]',
  describe: 'Run a guest, and wait for a debugger',
  builder,
  handler: async (options) => {
    process.exitCode = await runGuest(options);
  },
};

/** What the option means; undefined where it was not given. */
const given = <T>(text: string | undefined, parse: (text: string) => T): T | undefined =>
  text === undefined ? undefined : parse(text);

async function runGuest(options: Options): Promise<number> {
  const fileName = options.file ?? options.kernel;
  const startName = fileName ?? options.bios ?? options.snapshot;
  if (startName === undefined && options.dumpDtb === undefined) throw new UserError('a file to run is missing');
  const listen = parseListen(options.gdb ?? 'tcp:1234');
  const consoles = parseConsoles(options, listen.kind === 'stdio');
  const timeout = given(options.timeout, parseSeconds);
  const hardware = parseHardware(options);
  const sysregs = parseRegisters('sysregs', options.sysregs);
  const fields = parseRegisters('fields', options.fields);
  const file = given(fileName, readGuest);
  const snapshot = given(options.snapshot, openSnapshot);
  const opened = openDevices(options, consoles.second);
  const sink = openSerial(consoles.serial);
  const status = new StatusLine();
  if (snapshot || (file?.length ?? 0) > LARGE) status.show(`loading ${startName}`);
  const common = {
    ...hardware,
    backend: options.backend as Backend,
    cpus: hardware.cpus ?? snapshot?.cpus.length,
    commandLine: options.append,
    initrd: given(options.initrd, readGuest),
    deviceTree: given(options.dtb, readGuest),
    file,
    fileName: startName ?? 'nothing',
    snapshot,
    hold: options.hold,
    memory: hardware.memory ?? memoryOf(snapshot) ?? parseMemory(DEFAULT_MEMORY),
    serial: (bytes: Uint8Array) => {
      status.clear();
      sink.write(bytes);
    },
    seed: options.seed,
    semihosting: options.semihosting,
    input: consoles.serial.kind === 'stdio' ? inputFromFile() : undefined,
    peripherals: opened.peripherals,
    sysregs,
    fields,
    allowKill: options.allowKill,
  };
  try {
    if (options.dumpDtb !== undefined) return writeTree(options.dumpDtb, deviceTreeOf(common));
    const machine = await startMachine({ ...common, listen });
    status.clear();
    const kind = file === undefined && !options.bios ? 'snapshot' : machine.image.kind;
    return await untilEnd(machine, { name: `${startName} (${kind})`, options, consoles, timeout, status });
  } finally {
    sink.close();
    opened.close();
  }
}

interface Consoles {
  readonly serial: SerialTarget;
  /** By virtio. */
  readonly second: SerialTarget | undefined;
  /** Which of them is at standard input and output. */
  readonly atStdio: 'serial' | 'second' | undefined;
}

/** `byStdio`: the debugger is there already. */
function parseConsoles(options: Options, byStdio: boolean): Consoles {
  const serial = parseSerial(options.serial ?? (byStdio ? 'null' : 'stdio'));
  const second = given(options.console, parseSerial);
  const [first, other] = [serial.kind === 'stdio', second?.kind === 'stdio'];
  if (byStdio && (first || other))
    throw new UserError('--gdb stdio takes standard output: give --serial null or --serial file:PATH');
  if (first && other)
    throw new UserError('standard output is for one console: give --serial or --console another place');
  return { serial, second, atStdio: first ? 'serial' : other ? 'second' : undefined };
}

interface Session {
  readonly name: string;
  readonly options: Options;
  readonly consoles: Consoles;
  readonly timeout: number | undefined;
  readonly status: StatusLine;
}

/** The exit code, when the guest, the user or the time has ended it. */
async function untilEnd(
  machine: RunningMachine,
  { name, options, consoles, timeout, status }: Session,
): Promise<number> {
  const { atStdio } = consoles;
  const byStdio = machine.address.kind === 'stdio';
  let leave = (): void => undefined;
  const left = new Promise<number>((resolve) => {
    leave = () => resolve(ExitCode.done);
  });
  const take = atStdio === 'second' ? machine.receiveConsole : machine.receive;
  const stopInput = atStdio ? forwardInput({ take, leave }) : () => undefined;
  // Whoever reads the note may send a signal at once.
  const ended = Promise.race(byStdio ? [machine.ended, inputEnded()] : [machine.ended, left]);
  const end = lifetime(ended, { timeout, byStdio });
  const keys = atStdio && hasTerminal() ? '; Ctrl-A X leaves' : '';
  note(`${name} ${options.hold ? 'is held' : 'runs'}; ${waiting(machine.address)}${keys}`);
  if (!options.hold && atStdio === 'serial') status.watch(() => silence(machine.usage()));
  try {
    if (options.portFile !== undefined) writePortFile(options.portFile, machine.address);
    return await end;
  } finally {
    status.clear();
    stopInput();
    await machine.close();
  }
}

/** What of the machine is told by plain values. */
function parseHardware(options: Options) {
  const { memory, cpus, gicVersion, machine } = options;
  const version = gicVersion ?? given(machine, parseMachine)?.gicVersion;
  if (version !== undefined && version !== '2' && version !== '3')
    throw new UserError(`there is no GICv${version}: write 2 or 3`);
  return {
    memory: given(memory, parseMemory),
    cpus: given(cpus, parseCount),
    cpu: options.cpu as CpuModelName | 'host' | undefined,
    gicVersion: version && (Number(version) as 2 | 3),
  };
}

/** Devices that lead to files and sockets. Everything is understood before anything is opened. */
function openDevices(options: Options, second: SerialTarget | undefined) {
  const { drive = '', net, bios, variables, rtc } = options;
  const drives = drive === '' ? [] : drive.split('\n').map(parseDrive);
  const network = given(net, parseNetwork);
  const time = given(rtc, parseRtc);
  const firmware = given(bios, readGuest);
  const kept = given(variables, openVariables);
  const sink = second && openSerial(second);
  const peripherals: PeripheralChoice = {
    rtc: time,
    firmware,
    variables: kept,
    disks: drives.map(openDisk),
    console: sink?.write,
    network: network && openNetwork(network),
  };
  const close = (): void => {
    kept?.close();
    sink?.close();
  };
  return { peripherals, close };
}

function writeTree(name: string, tree: Uint8Array): number {
  try {
    writeFileSync(name, tree);
    return ExitCode.done;
  } catch (error) {
    throw new UserError(`cannot write ${name}: ${reasonOf(error)}`, ExitCode.failed);
  }
}

/** Bytes of a file that takes a while to load. */
const LARGE = 16 << 20;

/** While nothing comes from the console. */
function silence(usage: Usage | undefined): string {
  if (!usage) return 'the guest runs, and has said nothing yet';
  const millions = usage.instructions.reduce((sum, count) => sum + count, 0) / 1e6;
  return `the guest runs, and has said nothing yet: ${Math.round(millions).toLocaleString('en')} million instructions`;
}

const DEFAULT_MEMORY = '256M';

/** That of the machine that was saved. */
const memoryOf = (snapshot: Snapshot | undefined): bigint | undefined => {
  const length = snapshot?.ram[0]?.length;
  return length ? BigInt(length) : undefined;
};

function openSnapshot(name: string): Snapshot {
  const snapshot = readSnapshot(name, totalmem());
  if (snapshot instanceof SnapshotError) throw new UserError(`${name} ${snapshot.message}`, ExitCode.failed);
  return snapshot;
}

function parseMemory(text: string): bigint {
  const memory = parseSize(text);
  if (memory === 0n || memory % 4096n !== 0n) throw new UserError(`${text} of RAM is no multiple of 4 KiB`);
  return memory;
}

function readGuest(name: string): Uint8Array {
  try {
    // Not from a device: /dev/zero has no end.
    if (!statSync(name).isFile()) throw new UserError(`${name} is no regular file`, ExitCode.failed);
    return readFileSync(name);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : reasonOf(error);
    throw new UserError(`${name}: ${reason}`, ExitCode.failed);
  }
}

const waiting = (address: Address): string =>
  address.kind === 'stdio'
    ? 'the debugger is at standard input'
    : `waiting for a debugger at ${formatAddress(address)}`;
