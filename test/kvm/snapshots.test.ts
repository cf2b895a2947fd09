/** Snapshots from one kernel to another, and between KVM and the simulator. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { demoSymbols } from '../../bin/demo/guest.ts';
import {
  Guest,
  type Image,
  readSnapshot,
  SimulatorMachine,
  type Snapshot,
  SnapshotError,
} from '../../src/backend/index.ts';
import { RemoteClient, type TargetError } from '../../src/gdbstub/index.ts';
import { builtCommand } from '../bin/command.ts';
import { type KernelLine, kernelLines } from '../packages/packages.ts';
import { printed } from './inside.ts';
import { Lab } from './lab.ts';

const PORT = 1234;
const RAM = 64 << 20;
/** A shell refuses longer arguments than 128 KiB. */
const PIECE = 64 << 10;

const folder = mkdtempSync(path.join(tmpdir(), 'kvm-snapshots-'));
const place = (name: string): string => path.join(folder, name);
const symbol = (name: string): bigint => demoSymbols().get(name)!;
const labs = new Map<KernelLine, Lab>();

beforeAll(async () => {
  const compiled = path.join(path.dirname(builtCommand()), '..');
  for (const kernel of kernelLines) labs.set(kernel, await Lab.boot({ kernel, compiled, ports: { [PORT]: 0 } }));
}, 600_000);
afterAll(async () => {
  for (const lab of labs.values()) await lab.close();
  rmSync(folder, { recursive: true });
});

/** Copies a file from the lab. */
async function get(lab: Lab, name: string): Promise<string> {
  const { code, output } = await lab.run(`gzip -c ${name} | base64`);
  expect(code, output).toBe(0);
  const file = place(path.basename(name));
  writeFileSync(file, gunzipSync(Buffer.from(output, 'base64')));
  return file;
}

async function put(lab: Lab, file: string): Promise<string> {
  const name = `/tmp/${path.basename(file)}`;
  const text = gzipSync(readFileSync(file)).toString('base64');
  await lab.run(`rm -f ${name}.gz`);
  for (let at = 0; at < text.length; at += PIECE)
    await lab.run(`echo ${text.slice(at, at + PIECE)} | base64 -d >> ${name}.gz`);
  expect((await lab.run(`gunzip -f ${name}.gz`)).code).toBe(0);
  return name;
}

/** A debugger of a guest on KVM in the lab, and the end of both. */
async function debugged(lab: Lab, options: string): Promise<{ client: RemoteClient; end: () => Promise<void> }> {
  const job = lab.start(`exec arm-gdbstub run ${options} --backend kvm -S --gdb tcp:0.0.0.0:${PORT}`);
  const end = async (): Promise<void> => {
    job.kill();
    // The job's connection is gone at once, the process a moment later.
    await lab.run('while pidof node > /dev/null; do usleep 20000; done');
  };
  onTestFinished(end);
  await printed(job, 'is held');
  const client = new RemoteClient(net.connect(lab.port(PORT), '127.0.0.1'));
  await client.start();
  return { client, end };
}

const rounds = (client: RemoteClient): Promise<bigint> => client.readInteger(symbol('rounds'), 8);

/** The demo guest in its fifth round. */
async function saved(kernel: KernelLine): Promise<string> {
  const lab = labs.get(kernel)!;
  const { client, end } = await debugged(lab, `demo/demo.elf -m ${RAM >> 20}M`);
  await client.insertBreakpoint(1, symbol('one_round'), 4);
  for (let i = 0; i < 5; i++) await client.continue();
  expect(await rounds(client)).toBe(4n);
  await client.writeRegister('TPIDR_EL1', 0x1234_5678n);
  expect(await client.monitor(`snapshot save /tmp/${kernel}.snap`)).toContain('saved in');
  await end();
  return get(lab, `/tmp/${kernel}.snap`);
}

function opened(file: string): Snapshot {
  const snapshot = readSnapshot(file, 1e9);
  if (snapshot instanceof SnapshotError) throw new Error(snapshot.message);
  return snapshot;
}

const empty: Image = { kind: 'flat', segments: [], entry: 0x4000_0000n };

describe.each(kernelLines)('a snapshot of Linux %s', (kernel) => {
  let file: string;

  test('goes on on the same kernel', async () => {
    file = await saved(kernel);
    const lab = labs.get(kernel)!;
    const { client } = await debugged(lab, `--snapshot /tmp/${kernel}.snap`);
    expect(await client.readRegister('pc')).toBe(symbol('one_round'));
    expect(await client.readRegister('TPIDR_EL1')).toBe(0x1234_5678n);
    expect(await rounds(client)).toBe(4n);
    await client.insertBreakpoint(1, symbol('one_round'), 4);
    await client.continue();
    await client.continue();
    expect(await rounds(client)).toBe(6n);
  });

  test('is refused by the simulator, by the names of registers', () => {
    // With the entropy that the command gives every machine.
    const machine = new SimulatorMachine({ ramSize: RAM, image: empty, seed: '' });
    const snapshot = opened(file);
    const refused = new Guest(machine).state.restore(snapshot) as TargetError;
    process.stdout.write(`${kernel} to the simulator: ${refused.message}\n`);
    expect(refused.message).toMatch(/not known here: .*PMCR_EL0.*not accepted \(EINVAL, invalid value\): .*MIDR_EL1/);
    expect(refused.message).not.toMatch(/VBAR_EL1|TPIDR_EL1|SCTLR_EL1/);
    // The interrupt controller would fit.
    const name = 'vGIC v3';
    const words = snapshot.devices.find((device) => device.name === name)!.words;
    const gic = machine.devices.find((device) => device.name === name)!;
    expect(gic.restore(words)).toBeUndefined();
  });
});

test('from Linux 6.1 a guest goes on on 6.12', async () => {
  const lab = labs.get('6.12')!;
  const name = await put(lab, place('6.1.snap'));
  const { client } = await debugged(lab, `--snapshot ${name}`);
  expect(await client.readRegister('TPIDR_EL1')).toBe(0x1234_5678n);
  await client.insertBreakpoint(1, symbol('one_round'), 4);
  await client.continue();
  await client.continue();
  expect(await rounds(client)).toBe(6n);
  const answer = await client.monitor(`snapshot restore ${name}`);
  process.stdout.write(`6.1 to 6.12: ${answer}`);
  expect(answer).toMatch(/as after a reset: .*TCR2_EL1/);
  expect(await rounds(client)).toBe(4n);
});

test('from Linux 6.12 it is refused on 6.1, by the names of registers, and the guest there is as it was', async () => {
  const lab = labs.get('6.1')!;
  const name = await put(lab, place('6.12.snap'));
  const { client } = await debugged(lab, `demo/demo.elf -m ${RAM >> 20}M`);
  await client.insertBreakpoint(1, symbol('one_round'), 4);
  for (let i = 0; i < 3; i++) await client.continue();
  const answer = await client.monitor(`snapshot restore ${name}`).catch((error: Error) => error.message);
  process.stdout.write(`6.12 to 6.1: ${answer}\n`);
  expect(answer).toMatch(/CPU 0: not accepted \(EINVAL, invalid value\): .*ID_AA64DFR0_EL1/);
  expect(await rounds(client)).toBe(2n);
  await client.continue();
  expect(await rounds(client)).toBe(3n);
});
