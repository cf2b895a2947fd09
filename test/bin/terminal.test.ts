/** The guest's keyboard: keys of a terminal, and the terminal itself, by script(1), which makes one. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Keyboard } from '../../bin/terminal.ts';
import { builtCommand } from './command.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'terminal-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each<[typed: string[], forGuest: string, leaves: number]>([
  [['abc\r'], 'abc\r', 0],
  [['\x03\x1a\x04'], '\x03\x1a\x04', 0],
  [['a\x01x'], 'a', 1],
  [['a\x01', 'Xb'], 'ab', 1],
  [['\x01\x01\x01ab\x01?c'], '\x01\x01bc', 0],
])('keys %j', (typed, forGuest, leaves) => {
  let left = 0;
  const keyboard = new Keyboard(() => void left++);
  const bytes = typed.flatMap((text) => [...keyboard.typed(Buffer.from(text))]);
  expect([Buffer.from(bytes).toString(), left]).toEqual([forGuest, leaves]);
});

/** On a terminal, until it ends: what it shows, and the exit code. */
function onTerminal(type: (screen: string) => string | undefined, ...args: string[]) {
  const line = [process.execPath, builtCommand(), ...args].map((word) => `'${word}'`).join(' ');
  // In colours, whoever runs the tests.
  const { NO_COLOR: _, ...env } = process.env;
  const child = spawn('script', ['-qefc', `${line}; echo "code $?"; stty -a`, '/dev/null'], { stdio: 'pipe', env });
  let screen = '';
  child.stdout.on('data', (bytes: Buffer) => {
    screen += bytes.toString('latin1');
    const typed = type(screen);
    if (typed !== undefined) child.stdin.write(typed);
  });
  return new Promise<string>((resolve) => child.on('close', () => resolve(screen)));
}

/** Sends back what it receives, without end: UARTFR.RXFE is bit 4. */
const echo = [0xd2a12000, 0xb9401801, 0x3727ffe1, 0xb9400001, 0xb9000001, 0x17fffffc];

test('a guest that says nothing is told of, on a line that goes away', async () => {
  const file = path.join(folder, 'silent.bin');
  // b .
  writeFileSync(file, Uint8Array.of(0, 0, 0, 0x14));
  const screen = await onTerminal(() => undefined, 'run', file, '--gdb', 'tcp:0', '--timeout', '4');
  expect(screen).toMatch(/the guest runs, and has said nothing yet: [\d,]+ million instructions/);
  expect(screen).toContain(`\r\x1b[K\x1b[36marm-gdbstub:\x1b[0m 4 seconds are over`);
  expect(screen).toContain('code 124');
});

test('keys go to the guest one by one, Ctrl-C too, and Ctrl-A X gives the terminal back', async () => {
  const file = path.join(folder, 'echo.bin');
  const words = Buffer.alloc(4 * echo.length);
  for (const [i, word] of echo.entries()) words.writeUInt32LE(word, 4 * i);
  writeFileSync(file, words);
  const keys = ['h', 'i', '\x03', '!', '\x01x'];
  let typed = 0;
  const screen = await onTerminal(
    (text) => {
      if (!text.includes('Ctrl-A X leaves')) return undefined;
      // The next key when the guest has shown the last one.
      const shown = text.slice(text.indexOf('Ctrl-A X leaves') + 'Ctrl-A X leaves\r\n'.length);
      return shown.length >= typed ? keys[typed++] : undefined;
    },
    ...['run', file, '--gdb', 'tcp:0'],
  );
  expect(screen).toContain('hi\x03!');
  expect(screen).toContain('code 0');
  // As it was: lines, and a Ctrl-C that is a signal.
  expect(screen).toMatch(/\bisig icanon\b/);
});
