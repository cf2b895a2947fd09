/** The command's other ways to a debugger, with real ones: a Unix socket, a pipe; and gdb with the abilities of older days. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { builtCommand } from '../bin/command.ts';
import { Debugger, gdbBatch } from './debugger.ts';
import { demoFile, demoFolder, demoSymbol, serveDemo } from './fixture.ts';

const look = ['break one_round', 'continue', 'set $VBAR_EL1 = &vectors_b', 'stepi', 'print/x $VBAR_EL1'];
const seen = `= 0x${demoSymbol('vectors_b').toString(16)}`;

/** The command with the demo guest at a Unix socket. */
async function atSocket(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clients-'));
  const socket = path.join(folder, 'stub');
  const args = ['run', demoFile, '--hold', '--gdb', `unix:${socket}`, '--serial', 'null'];
  const child = spawn(process.execPath, [builtCommand(), ...args], { stdio: 'ignore' });
  onTestFinished(async () => {
    child.kill();
    await new Promise((resolve) => child.once('close', resolve));
    rmSync(folder, { recursive: true });
  });
  await expect.poll(() => existsSync(socket), { timeout: 10_000 }).toBe(true);
  return socket;
}

test('gdb and lldb at a Unix socket', async () => {
  const socket = await atSocket();
  expect(await gdbBatch([`target remote ${socket}`, ...look, 'detach'], demoFile)).toContain(seen);
  const lldb = await Debugger.lldb(demoFile);
  expect(await lldb.run(`process connect --plugin gdb-remote unix-connect://${socket}`)).toContain('Process 1 stopped');
  expect(await lldb.run('register read VBAR_EL1')).toContain(demoSymbol('vectors_b').toString(16));
});

test('gdb starts the stub itself and speaks to it through a pipe', async () => {
  const command = `${process.execPath} ${builtCommand()} run ${demoFile} --hold --gdb stdio --serial null`;
  expect(await gdbBatch([`target remote | ${command}`, ...look], demoFile)).toContain(seen);
});

/** By gdb's names of packets. */
const olderDays = ['noack', 'vcont', 'binary-download', 'memory-map', 'threads', 'conditional-breakpoints'];

test.each(olderDays)('gdb without %s', async (packet) => {
  const { port } = await serveDemo();
  const setup = [`set remote ${packet}-packet off`, `directory ${demoFolder}`, `target remote :${port}`];
  const rest = ['break one_round if rounds == 2', 'continue', ...look.slice(2), 'next', 'print rounds'];
  const text = await gdbBatch([...setup, ...rest], demoFile);
  expect(text).toContain('Breakpoint 1, one_round () at guest.c');
  expect(text).toContain(seen);
  expect(text).toContain('$2 = 2\n');
});
