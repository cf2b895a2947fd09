/** The directions of the imports: docs/ARCHITECTURE.md, "Who may import whom". */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');

interface Import {
  readonly from: string;
  /** A path from the root, or a module's name. */
  readonly to: string;
}

const sources = ['src', 'bin'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.posix.join(folder, name)),
);

const imports: readonly Import[] = sources.flatMap((from) => {
  const text = readFileSync(path.join(root, from), 'utf8');
  const specifiers = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'/gm)];
  return specifiers.map(([, named, bare]) => {
    const specifier = named ?? bare;
    return { from, to: specifier.startsWith('.') ? path.posix.join(path.posix.dirname(from), specifier) : specifier };
  });
});

/** The four rooms, from the leaves up. */
const roomOf = (file: string): string => /^(src\/(gdbstub|arm|backend)|bin)\//.exec(file)?.[1] ?? 'outside';
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/gdbstub': [],
  'src/arm': [],
  'src/backend': ['src/gdbstub', 'src/arm'],
  bin: ['src/backend', 'src/gdbstub', 'src/arm'],
};

const list = (wrong: readonly Import[]) => wrong.map(({ from, to }) => `${from} imports ${to}`);

describe('architecture', () => {
  test('the sources were read', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(150);
    for (const room of Object.keys(mayImport))
      expect(
        imports.some(({ from }) => roomOf(from) === room),
        room,
      ).toBe(true);
  });

  test('a room imports itself and the rooms below it', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (!/^(src|bin|test)\//.test(to)) return false;
      return roomOf(from) !== roomOf(to) && !mayImport[roomOf(from)].includes(roomOf(to));
    });
    expect(list(wrong)).toEqual([]);
  });

  test('across rooms only index.ts is imported', () => {
    const wrong = imports.filter(
      ({ from, to }) => /^src\//.test(to) && roomOf(from) !== roomOf(to) && to !== `${roomOf(to)}/index.ts`,
    );
    expect(list(wrong)).toEqual([]);
  });

  test('only server.ts of gdbstub touches node, and arm nothing of it', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        to.startsWith('node:') &&
        (roomOf(from) === 'src/arm' || (roomOf(from) === 'src/gdbstub' && from !== 'src/gdbstub/server.ts')),
    );
    expect(list(wrong)).toEqual([]);
    const sockets = imports.filter(({ to, from }) => to === 'node:net' && from.startsWith('src/'));
    expect(sockets.map(({ from }) => from)).toEqual(['src/gdbstub/server.ts']);
  });

  test('packages are used where they belong', () => {
    const packages = imports.filter(({ to }) => !/^(node:|src\/|bin\/|test\/)/.test(to));
    expect(list(packages.filter(({ from }) => roomOf(from) !== 'bin'))).toEqual([]);
  });

  test('there is no circle', () => {
    const below = new Map<string, string[]>();
    for (const { from, to } of imports) below.set(from, [...(below.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) {
        circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
        return;
      }
      if (done.has(file)) return;
      for (const next of below.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(circles).toEqual([]);
  });
});
