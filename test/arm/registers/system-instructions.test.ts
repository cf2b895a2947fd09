import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  systemInstructionByName,
  systemInstructionByNumber,
  systemInstructionName,
  systemInstructions,
} from '../../../src/arm/index.ts';

/** objdump's text of SYS with every number (op0 = 1) and X0 as its operand. */
function disassembleAll(): Map<number, string> {
  const directory = mkdtempSync(join(tmpdir(), 'sys-'));
  try {
    const words = Uint32Array.from({ length: 0x4000 }, (_, n) => 0xd5000000 | ((0x4000 + n) << 5));
    writeFileSync(join(directory, 'sys.bin'), words);
    const { stdout } = spawnSync('aarch64-linux-gnu-objdump', ['-D', '-b', 'binary', '-m', 'aarch64', 'sys.bin'], {
      cwd: directory,
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    const lines = stdout.matchAll(/^\s*[0-9a-f]+:\s+([0-9a-f]{8})\s+(.+)$/gm);
    return new Map([...lines].map(([, word, text]) => [(Number.parseInt(word, 16) >> 5) & 0xffff, text.trim()]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('system instructions', () => {
  it('are those of binutils, each with its number and operand', () => {
    const all = [...disassembleAll()].filter(([, text]) => /^(at|cfp|cpp|dc|dvp|ic|tlbi)\s/.test(text));
    const theirs = all.map(([number, text]) => `${number.toString(16)} ${text.replace(/\s+/g, ' ')}`);
    const ours = systemInstructions.map(
      ({ name, number, hasRegister }) => `${number.toString(16)} ${name.toLowerCase()}${hasRegister ? ', x0' : ''}`,
    );
    expect(theirs.length).toBeGreaterThan(120);
    expect(ours).toEqual(theirs);
  });

  it.each([
    ['DC ZVA', 0, undefined],
    ['DC CVAP', 0, 'FEAT_DPB'],
    ['DC CVADP', 0, 'FEAT_DPB2'],
    ['DC CGDVADP', 0, 'FEAT_MTE'],
    ['IC IALLU', 1, undefined],
    ['AT S1E1RP', 1, 'FEAT_PAN2'],
    ['AT S12E1R', 2, undefined],
    ['CFP RCTX', 0, 'FEAT_SPECRES'],
    ['TLBI VAE1OS', 1, 'FEAT_TLBIOS'],
    ['TLBI RVAE1OS', 1, 'FEAT_TLBIRANGE'],
    ['TLBI RPAOS', 3, 'FEAT_RME'],
    ['TLBI PAALL', 3, 'FEAT_RME'],
    ['TLBI ALLE3', 3, undefined],
  ])('%s is for EL%i, %s', (name, el, feature) => {
    expect(systemInstructionByName(name.toLowerCase())).toMatchObject({ name, el, feature });
  });

  it('are found by number, and named even where they are unknown', () => {
    const { number } = systemInstructionByName('TLBI VMALLE1') ?? { number: -1 };
    expect(systemInstructionByNumber(number)?.name).toBe('TLBI VMALLE1');
    expect(systemInstructionName(number)).toBe('TLBI VMALLE1');
    expect(systemInstructionName(0x5bf9)).toBe('SYS #3, C7, C15, #1');
    expect(systemInstructionByName('TLBI NOTHING')).toBeUndefined();
  });
});
