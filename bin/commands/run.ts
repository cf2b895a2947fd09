/** `run FILE`: a guest with a debugger's port. */
import { readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { ArgumentsCamelCase, Argv, CommandModule, Options as OptionDefinition } from 'yargs';
import { readSnapshot, type Snapshot, SnapshotError } from '../../src/backend/index.ts';
import { type Address, formatAddress } from '../../src/gdbstub/index.ts';
import { inputEnded, lifetime } from '../lifetime.ts';
import { type Backend, openSerial, reasonOf, startMachine, writePortFile } from '../machine.ts';
import { ExitCode, note, UserError } from '../message.ts';
import {
  optionsWithValue,
  parseCount,
  parseListen,
  parseRegisters,
  parseSeconds,
  parseSerial,
  parseSize,
} from '../options.ts';
import { forwardInput } from '../terminal.ts';

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
  cpus: { alias: 'smp', type: 'string', describe: 'How many CPUs; more than one with KVM [1]' },
  append: { type: 'string', describe: 'Command line of a Linux kernel' },
  initrd: { type: 'string', describe: 'Initial RAM disk of a Linux kernel' },
  memory: { alias: 'm', type: 'string', describe: 'RAM, from 0x40000000 on: 256M, 1G [256M]' },
  serial: { type: 'string', describe: "The guest's console: stdio, null, file:PATH [stdio]" },
  sysregs: { type: 'string', default: 'all', describe: `System registers shown: ${registerChoice}` },
  fields: { type: 'string', default: 'common', describe: `Those that gdb also sees by field: ${registerChoice}` },
  'port-file': { type: 'string', describe: 'Gets the port (or path) once a debugger can connect' },
  timeout: { type: 'string', describe: `Seconds after which it ends, with exit code ${ExitCode.timeout}` },
  'allow-kill': { type: 'boolean', default: false, describe: "A debugger's kill ends the guest; else it detaches" },
} as const satisfies Record<string, OptionDefinition>;

const builder = (yargs: Argv) =>
  yargs
    .positional('file', { type: 'string', describe: 'ELF file, Linux Image, or plain bytes for the start of the RAM' })
    .options(runOptions)
    .requiresArg(optionsWithValue(runOptions))
    .conflicts('s', 'gdb')
    .conflicts('kernel', 'file')
    .example('$0 run guest.elf -S', 'wait for a debugger at port 1234, then start')
    .example('$0 run Image -m 1G --gdb tcp:0 --port-file port', 'a free port, for scripts')
    .example('$0 run --snapshot boot.snap', 'go on from where the snapshot was made')
    .example('$0 run -kernel guest.elf -s -S -m 128', "QEMU's spelling")
    .epilogue(
      'Standard output carries the console of the guest and nothing else. Exit code: 0 when the guest powers off.',
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

async function runGuest(options: Options): Promise<number> {
  const fileName = options.file ?? options.kernel;
  const startName = fileName ?? options.snapshot;
  if (startName === undefined) throw new UserError('a file to run is missing');
  const listen = parseListen(options.gdb ?? 'tcp:1234');
  const byStdio = listen.kind === 'stdio';
  const serial = parseSerial(options.serial ?? (byStdio ? 'null' : 'stdio'));
  if (byStdio && serial.kind === 'stdio')
    throw new UserError('--gdb stdio takes standard output: give --serial null or --serial file:PATH');
  const timeout = options.timeout === undefined ? undefined : parseSeconds(options.timeout);
  const wantedMemory = options.memory === undefined ? undefined : parseMemory(options.memory);
  const sysregs = parseRegisters('sysregs', options.sysregs);
  const fields = parseRegisters('fields', options.fields);
  const wantedCpus = options.cpus === undefined ? undefined : parseCount(options.cpus);
  const file = fileName === undefined ? undefined : readGuest(fileName);
  const snapshot = options.snapshot === undefined ? undefined : openSnapshot(options.snapshot);
  const initrd = options.initrd === undefined ? undefined : readGuest(options.initrd);
  const sink = openSerial(serial);
  const { hold, allowKill } = options;
  const machine = await startMachine({
    backend: options.backend as Backend,
    cpus: wantedCpus ?? snapshot?.cpus.length,
    commandLine: options.append,
    initrd,
    file,
    fileName: startName,
    snapshot,
    listen,
    hold,
    memory: wantedMemory ?? memoryOf(snapshot) ?? parseMemory(DEFAULT_MEMORY),
    serial: sink.write,
    sysregs,
    fields,
    allowKill,
  });
  const stopInput = serial.kind === 'stdio' ? forwardInput((bytes) => machine.receive(bytes)) : () => undefined;
  const kind = file === undefined ? 'snapshot' : machine.image.kind;
  // Whoever reads the note may send a signal at once.
  const end = lifetime(byStdio ? Promise.race([machine.ended, inputEnded()]) : machine.ended, { timeout, byStdio });
  note(`${startName} (${kind}) ${hold ? 'is held' : 'runs'}; ${waiting(machine.address)}`);
  try {
    if (options.portFile !== undefined) writePortFile(options.portFile, machine.address);
    return await end;
  } finally {
    stopInput();
    await machine.close();
    sink.close();
  }
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
