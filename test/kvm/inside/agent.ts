/**
 * Runs the tests of suites.ts inside the lab, one after the other, as the host asks for them over TCP: a line of JSON
 * asks, a line of JSON answers.
 */
import net from 'node:net';
import { createInterface } from 'node:readline';
import type { Program } from '../../backend/assembled.ts';
import { suites } from './suites.ts';

export interface Request {
  readonly suite: string;
  readonly name: string;
  /** Of the test's source; its file in base64, its symbols as [name, hexadecimal digits]. */
  readonly program?: { readonly elf: string; readonly symbols: readonly (readonly [name: string, address: string])[] };
}

export interface Answer {
  readonly report: readonly string[];
  /** Why it failed. */
  readonly failure?: string;
}

const decoded = ({ elf, symbols }: NonNullable<Request['program']>): Program => ({
  elf: Buffer.from(elf, 'base64'),
  symbols: Object.fromEntries(symbols.map(([name, address]) => [name, BigInt(`0x${address}`)])),
});

async function answer({ suite, name, program }: Request): Promise<Answer> {
  const report: string[] = [];
  try {
    const found = suites[suite]?.find((one) => one.name === name);
    if (!found) throw new Error('there is no such test in the lab: it was made from other sources');
    await found.run({ report: (line) => report.push(line), program: program && decoded(program) });
    return { report };
  } catch (error) {
    return { report, failure: (error as Error).stack ?? String(error) };
  }
}

const server = net.createServer(async (socket) => {
  socket.on('error', () => {});
  for await (const line of createInterface(socket))
    socket.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
});
server.listen(Number(process.argv[2]), () => process.stdout.write('listening\n'));
