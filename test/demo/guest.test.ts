import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ImageError, parseImage } from '../../src/backend/index.ts';

const demo = join(import.meta.dirname, '../../demo');

function segments(file: string) {
  const image = parseImage(readFileSync(file), { start: 0x4000_0000n, length: 0x1000_0000n });
  if (image instanceof ImageError) throw new Error(image.message);
  return image.segments.map(({ address, length, data }) => ({
    address,
    length,
    data: Buffer.from(data).toString('hex'),
  }));
}

test('the guest that is shipped is what its sources build', () => {
  const directory = mkdtempSync(join(tmpdir(), 'demo-'));
  try {
    const file = join(directory, 'demo.elf');
    execFileSync('make', ['-s', '-C', demo, `OUT=${file}`], { timeout: 60_000 });
    expect(segments(file)).toEqual(segments(join(demo, 'demo.elf')));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('it names its sources without the place where it was built', () => {
  const text = execFileSync('aarch64-linux-gnu-objdump', ['--dwarf=info', join(demo, 'demo.elf')], {
    encoding: 'utf8',
  });
  const directories = [...text.matchAll(/DW_AT_comp_dir *: (?:\(.*\): )?(\S+)/g)].map((match) => match[1]);
  expect(directories).toEqual(['.', '.']);
  expect(readFileSync(join(demo, 'demo.elf')).includes('/demo')).toBe(false);
});

test('another machine runs it too', async () => {
  const board = [
    '-M',
    'virt',
    '-cpu',
    'cortex-a57',
    '-display',
    'none',
    '-monitor',
    'none',
    '-serial',
    'stdio',
    '-net',
    'none',
  ];
  const qemu = spawn('qemu-system-aarch64', [...board, '-kernel', join(demo, 'demo.elf')], { timeout: 60_000 });
  try {
    let text = '';
    for await (const piece of qemu.stdout.setEncoding('utf8')) {
      text += piece;
      if (/round [1-9]\d+: .*\n/.test(text)) break;
    }
    expect(text).toMatch(/^The demo guest runs: .*\n(round \d+: word a{16}, vectors A\n)+/);
  } finally {
    qemu.kill('SIGKILL');
  }
});
