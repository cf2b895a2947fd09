/**
 * Runs recorded single-instruction vectors, and counts.
 *
 *     npm run vectors -- DIR
 *
 * DIR holds a64.jsonl.xz, one vector a line (see vectors/vector.ts). Needs xz. Exits with 0 only if every vector that
 * is not left out for a reason told passes.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { a64Groups, a64Instructions, decoderOf } from '../src/arm/index.ts';
import { evaluator } from './vectors/evaluator.ts';
import { reasonToLeaveOut } from './vectors/left-out.ts';
import { simulator } from './vectors/machine.ts';
import type { Runner, Vector } from './vectors/vector.ts';

const runners: Readonly<Record<string, Runner>> = { evaluator, simulator };

const decoder = decoderOf(a64Instructions);

function groupOf(word: number): string {
  const instruction = decoder.find(word);
  const group = a64Groups.find(({ instructions }) => instruction !== undefined && instructions.includes(instruction));
  return group?.title ?? 'Unallocated';
}

async function main(directory: string | undefined): Promise<number> {
  if (directory === undefined) {
    console.error('usage: npm run vectors -- DIR');
    return 2;
  }
  const xz = spawn('xz', ['-dc', join(directory, 'a64.jsonl.xz')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = new Promise<number>((resolve) => {
    xz.on('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    xz.on('close', (code) => resolve(code ?? 1));
  });
  const passed = new Map<string, number>();
  const leftOut = new Map<string, number>();
  const failed: string[] = [];
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

  for await (const line of createInterface({ input: xz.stdout })) {
    const vector = JSON.parse(line) as Vector;
    const reason = reasonToLeaveOut(vector);
    if (reason !== undefined) {
      count(leftOut, reason);
      continue;
    }
    const group = groupOf(Number.parseInt(vector.i, 16));
    for (const [name, run] of Object.entries(runners)) {
      const problem = run(vector);
      if (problem === undefined) count(passed, `${name}: ${group}`);
      else if (typeof problem === 'object') count(leftOut, `${name}: ${group}: ${problem.leftOut}`);
      else failed.push(`${name}: ${group}: ${vector.i} at ${vector.pc}: ${problem}`);
    }
  }
  for (const [title, counts] of [
    ['passed', passed],
    ['left out', leftOut],
  ] as const)
    for (const [key, number] of counts) console.log(`${title} ${String(number).padStart(6)}  ${key}`);
  for (const text of failed.slice(0, 50)) console.log(`failed  ${text}`);
  const total = [...passed.values()].reduce((sum, number) => sum + number, 0);
  console.log(`${total} passed, ${failed.length} failed`);
  return (await exit) !== 0 || total === 0 || failed.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv[2]);
