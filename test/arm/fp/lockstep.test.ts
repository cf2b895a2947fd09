/**
 * SIMD and floating-point instructions do on the simulator what they do on QEMU: registers and FPSR to the bit.
 * Half a minute; FP_LOCKSTEP says how many instead, and FP_SEED draws others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { a64Instructions, analyseShape, shapesOf } from '../../../src/arm/index.ts';
import { cpuModel } from '../../../src/backend/index.ts';
import { buildHarness, compare, drawBatch, runOnQemu, runOnSimulator, syndromesOf } from './lockstep.ts';
import { Random } from './random.ts';

const wanted = Number(process.env.FP_LOCKSTEP ?? 3_000_000);
const seed = Number(process.env.FP_SEED ?? 1);
const casesPerBatch = 16_384;

/** Those that touch registers only. */
const instructions = a64Instructions.filter(
  (instruction) =>
    instruction.simd &&
    !/FPCR|FPSR/.test(instruction.name) &&
    shapesOf(instruction).every((shape) => {
      const { accesses, raise, system } = analyseShape(instruction, shape);
      return accesses.length === 0 && raise === undefined && !system;
    }),
);

let folder: string;
let elf: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fp-lockstep-'));
  elf = buildHarness(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

test(`${wanted} instructions`, { timeout: 1_200_000 }, async () => {
  const random = new Random(seed);
  for (let executed = 0; executed < wanted; ) {
    const batch = drawBatch(random, casesPerBatch, instructions);
    executed += batch.executed;
    const qemu = runOnQemu(elf, batch);
    const wrong = compare(batch, await runOnSimulator(elf, batch, 'max'), qemu, instructions);
    expect(wrong.slice(0, 5), `${wrong.length} cases differ`).toEqual([]);
  }
});

test('instructions of features that the CPU has not are UNDEFINED', async () => {
  const present = cpuModel('cortex-a57').features;
  const later = instructions.filter(({ features }) => features.some((feature) => !present.has(feature)));
  expect(later.length).toBeGreaterThan(50);
  const batch = drawBatch(new Random(2), 500, later);
  const undefinedInstruction = 1n << 25n;
  const results = await runOnSimulator(elf, batch, 'cortex-a57');
  expect(syndromesOf(batch, results)).toEqual(Array(batch.count).fill(undefinedInstruction));
  expect(syndromesOf(batch, await runOnSimulator(elf, batch, 'max'))).toEqual([]);
});
