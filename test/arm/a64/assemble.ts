/** Instruction words from binutils. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One word a line. `.` in a line is that line's address, which is 0x1000 for the first. */
export function assemble(lines: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'assemble-'));
  try {
    const [source, object, binary] = ['in.s', 'out.o', 'out.bin'].map((name) => join(folder, name));
    writeFileSync(source, `${lines.join('\n')}\n`);
    execFileSync('aarch64-linux-gnu-as', ['-march=armv8.1-a+crc+crypto', '-o', object, source]);
    execFileSync('aarch64-linux-gnu-objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
    const bytes = readFileSync(binary);
    if (bytes.length !== 4 * lines.length) throw new Error(`${bytes.length} bytes of ${lines.length} instructions`);
    return lines.map((_, i) => bytes.readUInt32LE(4 * i));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
