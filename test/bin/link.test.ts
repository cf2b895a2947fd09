/** The wire between two machines. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SocketLink } from '../../bin/link.ts';
import { until } from './command.ts';

let folder: string;
let file: string;
const open: SocketLink[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'link-'));
  file = path.join(folder, 'wire');
});
afterEach(() => {
  for (const link of open.splice(0)) link.close();
  rmSync(folder, { recursive: true });
});

function end() {
  const link = new SocketLink(file);
  open.push(link);
  const frames: string[] = [];
  link.received = (frame) => frames.push(Buffer.from(frame).toString());
  return { frames, send: (text: string) => link.send(Buffer.from(text)), close: () => link.close() };
}

/** Sends until something arrives: before a partner is there frames are lost. */
async function connected(one: ReturnType<typeof end>, other: ReturnType<typeof end>): Promise<void> {
  await until(() => {
    one.send('hello');
    return other.frames.length > 0;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  other.frames.length = 0;
}

test('who comes first listens; frames go both ways, whole and in order', async () => {
  const one = end();
  await until(() => existsSync(file));
  const two = end();
  await connected(two, one);
  const long = 'x'.repeat(60_000);
  for (const text of ['a', long, '', 'b']) one.send(text);
  for (const text of ['1', '2']) two.send(text);
  await until(() => two.frames.length === 4 && one.frames.length === 2);
  expect(two.frames).toEqual(['a', long, '', 'b']);
  expect(one.frames).toEqual(['1', '2']);
});

test('a partner goes, and another comes', async () => {
  const one = end();
  await until(() => existsSync(file));
  const two = end();
  await connected(two, one);
  two.close();
  await until(() => {
    one.send('nobody');
    return true;
  });
  const three = end();
  await connected(three, one);
  one.send('again');
  await until(() => three.frames.includes('again'));
  // Who listened goes, and the other one listens.
  one.close();
  const four = end();
  await connected(four, three);
});

test('frames in parts; lengths that are none end the connection', async () => {
  const one = end();
  await until(() => existsSync(file));
  const raw = net.connect(file);
  await new Promise((resolve) => raw.once('connect', resolve));
  for (const byte of [0, 0, 0, 3, 0x61, 0x62, 0x63, 0, 0, 0]) raw.write(Uint8Array.of(byte));
  raw.write(Uint8Array.of(1, 0x64));
  await until(() => one.frames.length === 2);
  expect(one.frames).toEqual(['abc', 'd']);
  const closed = new Promise((resolve) => raw.once('close', resolve));
  raw.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  raw.on('error', () => undefined);
  await closed;
});

test('a socket that somebody left behind', async () => {
  const server = net.createServer().listen(file);
  await new Promise((resolve) => server.once('listening', resolve));
  // Closed without its file being removed.
  const left = path.join(folder, 'left');
  const { renameSync } = await import('node:fs');
  renameSync(file, left);
  await new Promise((resolve) => server.close(resolve));
  renameSync(left, file);
  const one = end();
  await until(() => existsSync(file));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const two = end();
  await connected(two, one);
});
