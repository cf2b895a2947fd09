/** `demo`: the guest that the package ships, to be debugged or to be checked. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import type { ArgumentsCamelCase, Argv, CommandModule, Options as OptionDefinition } from 'yargs';
import { type Address, RemoteClient } from '../../src/gdbstub/index.ts';
import { Check } from '../demo/check.ts';
import { demoFile, demoSymbols } from '../demo/guest.ts';
import { invitation } from '../demo/invitation.ts';
import { lifetime } from '../lifetime.ts';
import { type RunningMachine, startMachine, writeConsole, writePortFile } from '../machine.ts';
import { ExitCode, say, styled, UserError } from '../message.ts';
import { optionsWithValue, parseListen, parseSeconds } from '../options.ts';

export const demoOptions = {
  check: {
    type: 'boolean',
    describe: 'Drive the guest as a debugger, and see whether it feels every edit',
  },
  gdb: { type: 'string', default: 'tcp:1234', describe: 'Where to wait for a debugger: tcp:[HOST:]PORT, unix:PATH' },
  'port-file': { type: 'string', describe: 'Gets the port (or path) once a debugger can connect' },
  timeout: { type: 'string', describe: `Seconds after which it ends, with exit code ${ExitCode.timeout}` },
} as const satisfies Record<string, OptionDefinition>;

const builder = (yargs: Argv) =>
  yargs
    .options(demoOptions)
    .requiresArg(optionsWithValue(demoOptions))
    .conflicts('check', ['port-file'])
    .example('$0 demo', 'a held guest, and the lines to paste for gdb, lldb and VS Code')
    .example('$0 demo --check', 'edits of system registers, each verified in the guest');

type Parsed = ReturnType<typeof builder> extends Argv<infer Values> ? Values : never;

export const demo: CommandModule<unknown, Parsed> = {
  command: 'demo',
  describe: 'Run a guest that the package ships, to try a debugger on',
  builder,
  handler: async (options) => {
    const timeout = options.timeout === undefined ? undefined : parseSeconds(options.timeout);
    process.exitCode = options.check ? await check(timeout ?? 60) : await wait(options, timeout);
  },
};

const start = (listen: Address, serial: (bytes: Uint8Array) => void): Promise<RunningMachine> =>
  startMachine({
    file: readFileSync(demoFile()),
    fileName: 'demo.elf',
    listen,
    hold: true,
    memory: 64n << 20n,
    serial,
    sysregs: 'all',
    fields: 'common',
    allowKill: false,
  });

async function wait(options: ArgumentsCamelCase<Parsed>, timeout: number | undefined): Promise<number> {
  const listen = parseListen(options.gdb);
  if (listen.kind === 'stdio') throw new UserError('the demo waits at a port or a socket: write tcp:PORT or unix:PATH');
  const machine = await start(listen, writeConsole);
  const end = lifetime(machine.ended, { timeout });
  say(invitation(machine.address));
  try {
    if (options.portFile !== undefined) writePortFile(options.portFile, machine.address);
    return await end;
  } finally {
    await machine.close();
  }
}

async function check(timeout: number): Promise<number> {
  let printed = '';
  const machine = await start({ kind: 'tcp', host: '127.0.0.1', port: 0 }, (bytes) => {
    printed += Buffer.from(bytes).toString('latin1');
  });
  const socket = net.connect({
    host: '127.0.0.1',
    port: (machine.address as Address & { kind: 'tcp' }).port,
    noDelay: true,
  });
  const run = new Check(new RemoteClient(socket), demoSymbols(), () => printed);
  try {
    const done = run.run().then(() => (run.passed ? ExitCode.done : ExitCode.failed));
    return await lifetime(done, { timeout });
  } finally {
    report(run);
    socket.destroy();
    await machine.close();
  }
}

/** The result of the command: to standard output. */
function report({ rows, passed }: Check): void {
  const width = Math.max(...rows.map(({ action }) => action.length));
  for (const { action, seen, good } of rows)
    process.stdout.write(`${good ? 'ok  ' : 'FAIL'}  ${action.padEnd(width)}  ${seen}\n`);
  const bad = rows.filter(({ good }) => !good).length;
  say(
    passed ? styled('good', `The guest felt all ${rows.length}.`) : styled('error', `${bad} of ${rows.length} failed.`),
  );
}
