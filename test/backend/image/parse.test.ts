import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Image, ImageError, parseImage } from '../../../src/backend/index.ts';

const ram = { start: 0x4000_0000n, length: 0x1000_0000n };

interface Header {
  readonly type?: number;
  readonly flags?: number;
  readonly offset?: bigint;
  readonly vaddr?: bigint;
  readonly paddr?: bigint;
  readonly filesz?: bigint;
  readonly memsz?: bigint;
}

/** The EFI application around a compressed kernel. */
function zboot(method: string, payload: Uint8Array): Uint8Array {
  const file = Buffer.alloc(64 + payload.length);
  file.write('MZ\0\0zimg');
  file.writeUInt32LE(64, 8);
  file.writeUInt32LE(payload.length, 12);
  file.write(method, 24);
  file.set(payload, 64);
  return file;
}

/** An ELF file of 512 bytes with these program headers at 64 and data from 256 on. */
function elf(headers: readonly Header[], change: (view: DataView) => void = () => undefined): Uint8Array {
  const file = new Uint8Array(512).map((_, index) => (index < 256 ? 0 : index & 0xff));
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(file.buffer);
  view.setUint16(16, 2, true);
  view.setUint16(18, 183, true);
  view.setBigUint64(24, 0x4008_0000n, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, headers.length, true);
  for (const [index, header] of headers.entries()) {
    const { type = 1, flags = 5, offset = 256n, paddr = 0x4008_0000n, filesz = 16n } = header;
    const at = 64 + 56 * index;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    const words = [offset, header.vaddr ?? paddr, paddr, filesz, header.memsz ?? filesz];
    for (const [word, value] of words.entries()) view.setBigUint64(at + 8 + 8 * word, value, true);
  }
  change(view);
  return file;
}

function linux(imageSize: bigint, textOffset = 0n, flags = 0n): Uint8Array {
  const file = new Uint8Array(128);
  const view = new DataView(file.buffer);
  view.setBigUint64(8, textOffset, true);
  view.setBigUint64(16, imageSize, true);
  view.setBigUint64(24, flags, true);
  view.setUint32(56, 0x644d5241, true);
  return file;
}

const starting = (...bytes: number[]): Uint8Array => Uint8Array.from([...bytes, ...new Uint8Array(64)]);

const loaded = (file: Uint8Array, range = ram): Image => {
  const image = parseImage(file, range);
  if (image instanceof ImageError) throw new Error(image.message);
  return image;
};

/** `kind entry: address+length(bytes of the file), ...` */
const summary = ({ kind, entry, segments }: Image): string =>
  `${kind} ${entry.toString(16)}: ${segments.map(({ address, length, data }) => `${address.toString(16)}+${length}(${data.length})`).join(', ')}`;

describe('parseImage', () => {
  test.each<[what: string, file: Uint8Array, expected: string]>([
    ['one segment', elf([{}]), 'elf 40080000: 40080000+16(16)'],
    ['zeros behind the bytes', elf([{ memsz: 4096n }]), 'elf 40080000: 40080000+4096(16)'],
    [
      'only zeros',
      elf([{}, { paddr: 0x4000_0000n, filesz: 0n, memsz: 8n }]),
      'elf 40080000: 40000000+8(0), 40080000+16(16)',
    ],
    [
      'notes and empty segments are not loaded',
      elf([{}, { type: 4 }, { filesz: 0n, paddr: 0n }]),
      'elf 40080000: 40080000+16(16)',
    ],
    [
      'a virtual entry point is taken to its physical address',
      elf([{ vaddr: 0xffff_0000_0000_0000n, memsz: 64n }], (view) =>
        view.setBigUint64(24, 0xffff_0000_0000_0008n, true),
      ),
      'elf 40080008: 40080000+64(16)',
    ],
    [
      'the entry point belongs to the executable one of two segments',
      elf(
        [
          { vaddr: 0n, flags: 6 },
          { vaddr: 0n, paddr: 0x4010_0000n },
        ],
        (view) => view.setBigUint64(24, 0n, true),
      ),
      'elf 40100000: 40080000+16(16), 40100000+16(16)',
    ],
    ['the last byte of the RAM', elf([{}, { paddr: 0x4fff_fff0n }]), 'elf 40080000: 40080000+16(16), 4ffffff0+16(16)'],
    ['position-independent', elf([{}], (view) => view.setUint16(16, 3, true)), 'elf 40080000: 40080000+16(16)'],
    ['a kernel', linux(0x10000n, 0x1000n), 'linux 40001000: 40001000+65536(128)'],
    ['a kernel that tells less than its file', linux(0x10n), 'linux 40000000: 40000000+128(128)'],
    ['a kernel before 3.17', linux(0n, 0xffffn), 'linux 40080000: 40080000+128(128)'],
    ['plain bytes', starting(1, 2, 3), 'flat 40000000: 40000000+67(67)'],
    ['a kernel in gzip', gzipSync(linux(0x10000n, 0x1000n)), 'linux 40001000: 40001000+65536(128)'],
    ['a kernel that unpacks itself', zboot('gzip', gzipSync(linux(0x1000n))), 'linux 40000000: 40000000+4096(128)'],
    ['fewer bytes than any header', Uint8Array.of(0x7f), 'flat 40000000: 40000000+1(1)'],
  ])('%s', (_what, file, expected) => {
    expect(summary(loaded(file))).toBe(expected);
  });

  test('a kernel goes to a multiple of 2 MiB', () => {
    expect(loaded(linux(0x1000n), { start: 0x4000_1000n, length: 0x100_0000n }).entry).toBe(0x4020_0000n);
  });

  test.each<[what: string, file: Uint8Array, message: string]>([
    ['nothing', new Uint8Array(0), 'the file is empty'],
    ['gzip of nothing', gzipSync(''), 'the unpacked file is empty'],
    ['gzip that is damaged', starting(0x1f, 0x8b), 'compressed with gzip and cannot be unpacked: unknown compression'],
    ['gzip cut short', gzipSync(linux(0x1000n)).subarray(0, 30), 'cannot be unpacked: unexpected end of file'],
    ['more than RAM in gzip', gzipSync(new Uint8Array(0x1000_0001)), 'the unpacked file has more than 268435456 bytes'],
    ['xz', starting(0xfd, 0x37, 0x7a, 0x58, 0x5a), 'compressed with xz'],
    ['zstd', starting(0x28, 0xb5, 0x2f, 0xfd), 'compressed with zstd'],
    [
      'EFI zboot of another kind',
      zboot('zstd', starting(0x28)),
      'an EFI kernel compressed with zstd; give the unpacked',
    ],
    ['EFI zboot cut short', zboot('gzip', gzipSync('x')).subarray(0, 64), 'the EFI kernel is cut short'],
    ['zImage', starting(...new Uint8Array(36), 0x18, 0x28, 0x6f, 0x01), '32-bit Arm'],
    ['ELF magic alone', starting(0x7f, 0x45, 0x4c, 0x46).subarray(0, 4), 'the ELF file is cut short: 4 bytes'],
    ['a header cut short', elf([{}]).subarray(0, 63), 'the ELF file is cut short: 63 bytes'],
    ['class', elf([{}], (view) => view.setUint8(4, 1)), 'not a 64-bit one'],
    ['byte order', elf([{}], (view) => view.setUint8(5, 2)), 'not little-endian'],
    ['x86-64', elf([{}], (view) => view.setUint16(18, 62, true)), 'for x86-64, not for AArch64'],
    ['32-bit Arm', elf([{}], (view) => view.setUint16(18, 40, true)), 'for 32-bit Arm, not for AArch64'],
    ['no machine', elf([{}], (view) => view.setUint16(18, 9999, true)), 'for machine 9999, not for AArch64'],
    ['an object file', elf([{}], (view) => view.setUint16(16, 1, true)), 'an object file that is not linked yet'],
    ['a core dump', elf([{}], (view) => view.setUint16(16, 4, true)), 'a core dump, not an executable'],
    ['another type', elf([{}], (view) => view.setUint16(16, 77, true)), 'of type 77, not an executable'],
    ['header size', elf([{}], (view) => view.setUint16(54, 32, true)), 'program headers of 32 bytes instead of 56'],
    [
      'headers outside',
      elf([{}], (view) => view.setBigUint64(32, 500n, true)),
      'its program headers end behind its 512 bytes',
    ],
    [
      'headers at the end of the world',
      elf([{}], (view) => view.setBigUint64(32, 2n ** 64n - 8n, true)),
      'program headers end behind',
    ],
    ['65535 headers', elf([{}], (view) => view.setUint16(56, 0xffff, true)), 'program headers end behind'],
    ['no headers', elf([]), 'nothing to load'],
    ['nothing loadable', elf([{ type: 4 }]), 'nothing to load'],
    ['a dynamic program', elf([{ type: 3 }, {}]), 'it asks for a dynamic loader'],
    ['more in the file than in memory', elf([{ memsz: 8n }]), 'more bytes in the file (16) than in memory (8)'],
    ['bytes behind the file', elf([{ offset: 500n }]), 'the segment at 0x40080000 ends behind its 512 bytes'],
    ['an offset that wraps', elf([{ offset: 2n ** 64n - 8n }]), 'ends behind its 512 bytes'],
    [
      'below the RAM',
      elf([{}, { paddr: 0x3fff_fff8n }]),
      '0x3ffffff8..0x40000007 does not fit into the RAM at 0x40000000..0x4fffffff',
    ],
    ['above the RAM', elf([{}, { paddr: 0x4fff_fff8n }]), '0x4ffffff8..0x50000007 does not fit'],
    ['memory without end', elf([{ memsz: 2n ** 64n - 1n }]), 'does not fit'],
    ['an address that wraps', elf([{}, { paddr: 2n ** 64n - 8n }]), 'does not fit'],
    [
      'overlap',
      elf([{}, { paddr: 0x4008_000fn }]),
      'the segments 0x40080000..0x4008000f and 0x4008000f..0x4008001e overlap',
    ],
    [
      'entry outside',
      elf([{}], (view) => view.setBigUint64(24, 16n, true)),
      'the entry point 0x10 of the ELF file lies in no segment',
    ],
    ['entry odd', elf([{}], (view) => view.setBigUint64(24, 0x4008_0002n, true)), '0x40080002 is no multiple of 4'],
    ['a big-endian kernel', linux(0x1000n, 0n, 1n), 'big-endian'],
    ['a kernel larger than the RAM', linux(0x1000_0001n), 'does not fit'],
    ['a kernel at an absurd offset', linux(0x1000n, 2n ** 64n - 1n), 'does not fit'],
    ['plain bytes larger than the RAM', new Uint8Array(0x1001), 'does not fit'],
  ])('%s is refused', (what, file, message) => {
    const small = what === 'plain bytes larger than the RAM' ? { start: 0n, length: 0x1000n } : ram;
    const image = parseImage(file, small);
    expect(image).toBeInstanceOf(ImageError);
    expect((image as ImageError).message).toContain(message);
  });

  test('a damaged file is refused or loads inside the RAM', () => {
    const files = [elf([{}, { paddr: 0x4010_0000n, memsz: 4096n }]), linux(0x10000n, 0x1000n)];
    const damage = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 6,
    });
    const cases = fc.tuple(fc.constantFrom(...files), damage, fc.integer({ min: 0, max: 600 }));
    let accepted = 0;
    fc.assert(
      fc.property(cases, ([good, changes, length]) => {
        const file = good.slice(0, length);
        for (const [at, byte] of changes) file[at] = byte;
        const image = parseImage(file, ram);
        if (image instanceof ImageError) return;
        accepted++;
        let free = ram.start;
        for (const { address, data, length: size } of image.segments) {
          expect(address).toBeGreaterThanOrEqual(free);
          expect(BigInt(data.length)).toBeLessThanOrEqual(size);
          free = address + size;
        }
        expect(free).toBeLessThanOrEqual(ram.start + ram.length);
      }),
      { numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('what the linker made is loaded as objcopy lays it out', () => {
    const directory = mkdtempSync(join(tmpdir(), 'image-'));
    try {
      const path = (name: string): string => join(directory, name);
      writeFileSync(
        path('a.s'),
        '.globl _start\n.text\nnop\n_start: b .\n.data\n.quad 0x1122334455667788\n.bss\n.space 100\n',
      );
      const script = `ENTRY(_start) SECTIONS { . = 0xffff000040080000; .text : AT(0x40080000) { *(.text) }
        . = 0xffff000040090000; .data : AT(0x40090000) { *(.data) } .bss : { *(.bss) } }`;
      writeFileSync(path('a.ld'), script);
      const run = (tool: string, ...rest: string[]) =>
        execFileSync(`aarch64-linux-gnu-${tool}`, rest, { cwd: directory });
      run('as', '-o', 'a.o', 'a.s');
      run('ld', '-T', 'a.ld', '-o', 'a.elf', 'a.o');
      run('objcopy', '-O', 'binary', 'a.elf', 'a.bin');
      const flat = readFileSync(path('a.bin'));
      const image = loaded(readFileSync(path('a.elf')));
      const memory = new Uint8Array(flat.length);
      for (const { address, data } of image.segments) memory.set(data, Number(address - 0x4008_0000n));
      expect(Buffer.from(memory).equals(flat)).toBe(true);
      expect(image.entry).toBe(0x4008_0004n);
      expect(image.segments.at(-1)).toMatchObject({ address: 0x4009_0000n, length: 108n });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
