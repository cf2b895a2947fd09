/** docs/EMBEDDING.md: its program is test/gdbstub/toy.ts, and real gdb debugs that. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatAddress, RemoteClient, type Server } from '../../src/gdbstub/index.ts';
import { serveToy } from './toy.ts';

let server: Server;
beforeEach(async () => {
  server = await serveToy('tcp:0');
});
afterEach(() => server.close());

test('the document shows the program that is tested', () => {
  const document = readFileSync(path.join(import.meta.dirname, '../../docs/EMBEDDING.md'), 'utf8');
  const program = readFileSync(path.join(import.meta.dirname, 'toy.ts'), 'utf8');
  const shown = document.split('```ts\n').map((block) => block.split('\n```')[0]);
  expect(shown).toContain(program.replace('../../src/gdbstub/index.ts', 'arm-gdbstub/gdbstub').trimEnd());
});

/** What gdb prints for these commands. */
async function gdb(...commands: string[]): Promise<string> {
  const all = [`target remote ${formatAddress(server.address)}`, ...commands, 'detach'];
  const { stdout, stderr } = await promisify(execFile)(
    'gdb-multiarch',
    ['-nx', '-batch', ...all.flatMap((command) => ['-ex', command])],
    { timeout: 60_000 },
  );
  return stdout + stderr;
}

test('gdb steps, stops, reads and edits it', async () => {
  const text = await gdb(
    'x/4i 0',
    'stepi 3',
    'print $pc',
    'print $t0',
    'break *4',
    'continue',
    'set $t0 = 1000',
    'continue',
    'x/wd 0x100',
    'set *(int *) 0x100 = 7',
    'x/wd 0x100',
    'set $pc = 6',
    'print $pc',
    'delete',
    'break *12 if $t0 == 1010',
    'continue',
    'print $t0',
    'x/wx 0x1000',
  );
  expect(text).toMatch(/0x0:\s+li\s+t0,0\n\s+0x4:\s+add\s+t0,t0,1\n\s+0x8:\s+sw\s+t0,256\(zero\).*\n\s+0xc:\s+j\s+0x4/);
  expect(text).toContain('$1 = (void (*)()) 0xc');
  expect(text).toContain('$2 = 1');
  expect(text.match(/^Breakpoint 1, /gm)).toHaveLength(2);
  expect(text).toMatch(/0x100:\s+1001\n0x100:\s+7\n/);
  expect(text).toContain('the pc is a multiple of 4');
  expect(text).toContain('$3 = (void (*)()) 0x4');
  expect(text).toContain('$4 = 1010');
  expect(text).toContain('Cannot access memory at address 0x1000');
});

test('a running toy is interrupted, and stops at what it does not know', async () => {
  const { host, port } = server.address as { host: string; port: number };
  const client = new RemoteClient(net.connect({ host, port }));
  await client.start();
  const stopped = client.continue();
  setTimeout(() => client.interrupt(), 50);
  expect((await stopped).signal).toBe(2);
  expect(await client.readInteger(0x100n, 4)).toBeGreaterThan(0n);
  await client.writeInteger(4n, 4, 0xffff_ffffn);
  const { signal } = await client.continue();
  expect(signal).toBe(4);
  expect(await client.readRegister('pc')).toBe(4n);
  client.close();
});
