/**
 * ELF files for a machine without an operating system: program headers by physical address.
 *
 * System V ABI, Object Files and Program Loading; ELF for the Arm 64-bit Architecture (AArch64).
 */
import { hex } from '../../arm/index.ts';
import { type Image, ImageError, type Segment } from './image.ts';

const headerLength = 64;
const programHeaderLength = 56;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_AARCH64 = 183;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PF_X = 1;

const types: Readonly<Record<number, string>> = {
  1: 'an object file that is not linked yet',
  4: 'a core dump',
};
const machines: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'MIPS',
  21: 'PowerPC',
  40: '32-bit Arm',
  62: 'x86-64',
  243: 'RISC-V',
};

interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: bigint;
  readonly vaddr: bigint;
  readonly paddr: bigint;
  readonly filesz: bigint;
  readonly memsz: bigint;
}

/** undefined: not such a file. */
export function parseElf(file: Uint8Array): Image | ImageError | undefined {
  if (file[0] !== 0x7f || file[1] !== 0x45 || file[2] !== 0x4c || file[3] !== 0x46) return undefined;
  const headers = readHeaders(file);
  if (headers instanceof ImageError) return headers;
  const { entry, programHeaders } = headers;
  const segments: Segment[] = [];
  for (const header of programHeaders) {
    if (header.type === PT_INTERP)
      return new ImageError('the ELF file is a program for an operating system: it asks for a dynamic loader');
    if (header.type !== PT_LOAD || header.memsz === 0n) continue;
    const segment = readSegment(file, header);
    if (segment instanceof ImageError) return segment;
    segments.push(segment);
  }
  if (segments.length === 0) return new ImageError('the ELF file has nothing to load (no PT_LOAD program header)');
  const physical = physicalEntry(entry, programHeaders);
  if (physical === undefined) return new ImageError(`the entry point ${hex(entry)} of the ELF file lies in no segment`);
  return { kind: 'elf', segments, entry: physical };
}

function readHeaders(file: Uint8Array): { entry: bigint; programHeaders: ProgramHeader[] } | ImageError {
  if (file.length < headerLength) return new ImageError(`the ELF file is cut short: ${file.length} bytes`);
  if (file[4] !== 2) return new ImageError('the ELF file is not a 64-bit one');
  if (file[5] !== 1) return new ImageError('the ELF file is not little-endian');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const machine = view.getUint16(18, true);
  if (machine !== EM_AARCH64)
    return new ImageError(`the ELF file is for ${machines[machine] ?? `machine ${machine}`}, not for AArch64`);
  const type = view.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN)
    return new ImageError(`the ELF file is ${types[type] ?? `of type ${type}`}, not an executable`);
  const offset = view.getBigUint64(32, true);
  const length = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (count > 0 && length !== programHeaderLength)
    return new ImageError(`the ELF file has program headers of ${length} bytes instead of ${programHeaderLength}`);
  if (offset + BigInt(count * programHeaderLength) > BigInt(file.length))
    return new ImageError(`the ELF file is cut short: its program headers end behind its ${file.length} bytes`);
  const programHeaders = Array.from({ length: count }, (_, index) =>
    readProgramHeader(view, Number(offset) + index * programHeaderLength),
  );
  return { entry: view.getBigUint64(24, true), programHeaders };
}

const readProgramHeader = (view: DataView, at: number): ProgramHeader => ({
  type: view.getUint32(at, true),
  flags: view.getUint32(at + 4, true),
  offset: view.getBigUint64(at + 8, true),
  vaddr: view.getBigUint64(at + 16, true),
  paddr: view.getBigUint64(at + 24, true),
  filesz: view.getBigUint64(at + 32, true),
  memsz: view.getBigUint64(at + 40, true),
});

function readSegment(file: Uint8Array, { offset, paddr, filesz, memsz }: ProgramHeader): Segment | ImageError {
  if (filesz > memsz)
    return new ImageError(
      `the ELF segment at ${hex(paddr)} has more bytes in the file (${filesz}) than in memory (${memsz})`,
    );
  if (offset + filesz > BigInt(file.length))
    return new ImageError(
      `the ELF file is cut short: the segment at ${hex(paddr)} ends behind its ${file.length} bytes`,
    );
  const data = file.subarray(Number(offset), Number(offset + filesz));
  return { address: paddr, data, length: memsz };
}

/** The entry point is a virtual address, and the machine starts with its MMU off. */
function physicalEntry(entry: bigint, headers: readonly ProgramHeader[]): bigint | undefined {
  const holds = ({ type, vaddr, memsz }: ProgramHeader): boolean =>
    type === PT_LOAD && vaddr <= entry && entry < vaddr + memsz;
  const header = headers.find((each) => holds(each) && each.flags & PF_X) ?? headers.find(holds);
  return header && header.paddr + (entry - header.vaddr);
}
