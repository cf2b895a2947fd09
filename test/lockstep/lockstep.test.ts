/**
 * Random instructions of every definition on QEMU, on the evaluating builder and on the simulator's engine: three
 * opinions, of which the first does not know our definitions.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { a64Instructions, analyseShape, decoderOf, shapesOf } from '../../src/arm/index.ts';
import { type Batch, drawBatch } from './cases.ts';
import { at, compareResults, describeCase, explanationOf } from './compare.ts';
import { EvaluatorMachine } from './evaluator.ts';
import { resultWords } from './layout.ts';
import { buildHarness, runOnQemu, runOnSimulator } from './machines.ts';
import { Random } from './random.ts';
import { exclusions } from './rules.ts';

/** Of the many SIMD and floating-point instructions those that access memory: test/arm/fp has the others. */
const instructions = a64Instructions.filter(
  (instruction) =>
    !instruction.simd || shapesOf(instruction).some((shape) => analyseShape(instruction, shape).accesses.length > 0),
);

const leastExecuted = 1_000_000;
const casesPerBatch = 65_536;
/** Change it to look elsewhere; a failure names its case, which the same seed draws again. */
const seed = 20260501;

let folder: string;
let elf: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-'));
  elf = buildHarness(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

test(`${leastExecuted} instructions do on QEMU what their definitions say`, { timeout: 600_000 }, async () => {
  const random = new Random(seed);
  const decoder = decoderOf(instructions);
  const evaluator = new EvaluatorMachine();
  const drawn = new Set<number>();
  const wrong: string[] = [];
  const explained = new Map<string, number>();
  let executed = 0;
  let agreed = 0;
  while (executed < leastExecuted && wrong.length === 0) {
    const batch = drawBatch(random, casesPerBatch, instructions, decoder, evaluator);
    for (const definition of batch.drawn) drawn.add(definition);
    const qemu = runOnQemu(elf, batch);
    const { known, unexplained } = compareResults(batch, await runOnSimulator(elf, batch), qemu);
    wrong.push(...unexplained);
    for (const [reason, count] of known) explained.set(reason, (explained.get(reason) ?? 0) + count);
    for (let index = 0; index < batch.count; index++) {
      const difference = evaluateAgainst(evaluator, batch, index, qemu);
      executed += evaluator.steps;
      if (difference === 'agrees') agreed++;
      else if (difference !== 'unknown') wrong.push(`${describeCase(batch, index)}: ${difference}`);
    }
  }
  expect(wrong.slice(0, 20), `${wrong.length} differences`).toEqual([]);
  const missing = instructions.filter((_, i) => !drawn.has(i)).map(({ name }) => name);
  expect(missing.sort()).toEqual(['ERET', 'HLT', 'HVC', 'SMC']);
  expect(exclusions.length).toBeLessThan(10);
  console.info(`${executed} instructions executed; ${agreed} cases decided by the evaluator alone, all agree`);
  for (const [reason, count] of explained) console.info(`${count} cases: ${reason}`);
});

/** How the evaluator's end of a case differs from QEMU's; `unknown` where it cannot say. */
function evaluateAgainst(
  machine: EvaluatorMachine,
  batch: Batch,
  index: number,
  qemu: BigUint64Array,
): string | 'agrees' | 'unknown' {
  const ending = machine.run(batch, index);
  if (ending.kind !== 'exception' || ending.misaligned) return 'unknown';
  const result = qemu.subarray(index * resultWords, (index + 1) * resultWords);
  const wrong: string[] = [];
  const check = (name: string, ours: bigint, theirs: bigint) => {
    if (ours !== theirs) wrong.push(`${name} ${ours.toString(16)} (QEMU ${theirs.toString(16)})`);
  };
  for (let x = 0; x < 31; x++) check(`X${x}`, machine.x[x], result[x]);
  check('SP', machine.x[32], result[at.sp]);
  check('ELR', ending.elr, result[at.elr]);
  check('NZCV', BigInt(machine.nzcv), (result[at.spsr] >> 28n) & 15n);
  check('hash of memory and vectors', machine.hash, result[at.hash]);
  if (wrong.length === 0) return 'agrees';
  wrong.push(`QEMU's ESR ${result[at.esr].toString(16)}, FAR ${result[at.far].toString(16)}`);
  return explanationOf(batch, index, result, result) ? 'unknown' : wrong.join(', ');
}
