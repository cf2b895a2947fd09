/** What binutils makes of instruction words. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One line a word: the mnemonic, and the whole text. A word that binutils does not know has the mnemonic `.inst`. */
export function disassemble(words: readonly number[]): readonly { mnemonic: string; text: string }[] {
  const folder = mkdtempSync(join(tmpdir(), 'objdump-'));
  try {
    const file = join(folder, 'words.bin');
    writeFileSync(file, new Uint8Array(Uint32Array.from(words).buffer));
    const output = execFileSync(
      'aarch64-linux-gnu-objdump',
      // -z: without it, runs of zeros are left out.
      ['-D', '-z', '-b', 'binary', '-maarch64', '-M', 'no-aliases', file],
      { maxBuffer: 1 << 28, encoding: 'utf8' },
    );
    return [...output.matchAll(/^ *[0-9a-f]+:\t[0-9a-f]{8} \t(\S+)(.*)$/gm)].map(([, mnemonic, rest]) => ({
      mnemonic,
      text: mnemonic + rest,
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
