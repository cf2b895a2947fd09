/** The guest that the package ships: demo/. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../package.ts';

export const demoDirectory = (): string => path.join(packageRoot(), 'demo');
export const demoFile = (): string => path.join(demoDirectory(), 'demo.elf');

/**
 * Addresses by name from the symbol table of the shipped ELF file; it is our own and taken to be right.
 *
 * System V ABI, Symbol Table.
 */
export function demoSymbols(): ReadonlyMap<string, bigint> {
  const file = readFileSync(demoFile());
  const sections = Number(file.readBigUInt64LE(40));
  const section = (index: number) => {
    const at = sections + 64 * index;
    const [offset, size] = [at + 24, at + 32].map((place) => Number(file.readBigUInt64LE(place)));
    return {
      type: file.readUInt32LE(at + 4),
      link: file.readUInt32LE(at + 40),
      bytes: file.subarray(offset, offset + size),
    };
  };
  const all = Array.from({ length: file.readUInt16LE(60) }, (_, index) => section(index));
  const table = all.find(({ type }) => type === 2)!;
  const names = all[table.link].bytes;
  const symbols = new Map<string, bigint>();
  for (let at = 0; at < table.bytes.length; at += 24) {
    const name = table.bytes.readUInt32LE(at);
    symbols.set(names.toString('latin1', name, names.indexOf(0, name)), table.bytes.readBigUInt64LE(at + 8));
  }
  return symbols;
}
