import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { errnoText, refuse } from '../../src/backend/errors.ts';
import { refusalCodes } from '../../src/backend/index.ts';

const root = path.join(import.meta.dirname, '..', '..');
const folder = path.join(root, 'src', 'backend');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
  .map((name) => readFileSync(path.join(folder, name), 'utf8'));

test('docs/ERRORS.md explains every code, with its errno, and no other', () => {
  const text = readFileSync(path.join(root, 'docs', 'ERRORS.md'), 'utf8');
  const told = [...text.matchAll(/`([A-Z0-9_]+)` \((\d+)\)/g)].map(([, code, errno]) => `${code} ${errno}`);
  const codes = Array.from(refusalCodes, ([code, errno]) => `${code} ${errno}`);
  expect(told).toHaveLength(codes.length);
  expect(new Set(told)).toEqual(new Set(codes));
});

test.each([...refusalCodes.keys()])('%s is used', (code) => {
  expect(sources.some((source) => source.includes(`'${code}'`))).toBe(true);
});

test('a refusal has a code, an errno and a sentence without a full stop', () => {
  expect(refuse('VALUE_TOO_WIDE', 'cpsr', 1n << 32n, 32)).toMatchObject({
    code: 'VALUE_TOO_WIDE',
    errno: 34,
    message: 'cpsr: 0x100000000 does not fit into its 32 bits',
  });
});

test.each([
  [22, 'EINVAL, invalid value'],
  [95, 'errno 95'],
])('errno %i is told as %s', (errno, text) => {
  expect(errnoText(errno)).toBe(text);
});
