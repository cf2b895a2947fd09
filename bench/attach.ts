/** How long real debuggers take from their start to every register on the screen, whole processes included. */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { demo, type Server, startOurs, startQemu } from './servers.ts';

const rounds = 5;

interface Client {
  readonly name: string;
  readonly program: string;
  /** Only starts and ends. */
  readonly idle: readonly string[];
  readonly attach: (port: number) => readonly string[];
  readonly everyRegister: string;
}

const gdb: Client = {
  name: 'gdb',
  program: 'gdb-multiarch',
  idle: ['-nx', '-batch'],
  attach: (port) => ['-nx', '-batch', '-ex', 'set architecture aarch64', '-ex', `target remote 127.0.0.1:${port}`],
  everyRegister: 'info all-registers',
};
const lldb: Client = {
  name: 'lldb',
  program: 'lldb-19',
  idle: ['--no-lldbinit', '--batch'],
  attach: (port) => ['--no-lldbinit', '--batch', '-o', `gdb-remote ${port}`],
  everyRegister: 'register read --all',
};

/** The middle of some runs, in milliseconds. */
function time({ program }: Client, args: readonly string[]): number {
  const taken = Array.from({ length: rounds }, () => {
    const begun = performance.now();
    const { error } = spawnSync(program, args, { timeout: 60_000, stdio: 'ignore' });
    if (error) throw error;
    return performance.now() - begun;
  });
  return taken.sort((a, b) => a - b)[rounds >> 1];
}

function measure(client: Client, { name, port }: Server): void {
  const attach = client.attach(port);
  const option = client === gdb ? '-ex' : '-o';
  const [idle, attached, all] = [client.idle, attach, [...attach, option, client.everyRegister]].map((args) =>
    time(client, args),
  );
  const cells = [idle, attached, all].map((milliseconds) => `${milliseconds.toFixed(0).padStart(8)} ms`);
  console.log(`${`${client.name} and ${name}`.padEnd(22)}${cells.join('')}`);
}

export async function benchAttach(): Promise<void> {
  const heads = ['alone', 'attached', 'registers'].map((head) => head.padStart(11));
  console.log(`\n${`Attach, median of ${rounds}`.padEnd(22)}${heads.join('')}`);
  const servers = [await startOurs(demo), await startQemu(demo)].filter((server) => server !== undefined);
  try {
    for (const server of servers) {
      measure(gdb, server);
      if (server.name !== 'QEMU') measure(lldb, server);
    }
  } finally {
    for (const server of servers) server.process.kill('SIGKILL');
  }
}
