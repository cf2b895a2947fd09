/** Files to start a guest with, whatever their kind. They are read as if an enemy had written them. */
import { hex } from '../../arm/index.ts';
import { unpacked } from './compressed.ts';
import { parseElf } from './elf.ts';
import { type Image, ImageError, type RamRange } from './image.ts';
import { parseLinuxImage } from './linux.ts';

/** Tells the kind of file by its first bytes; what is none of the others is plain bytes for the start of the RAM. */
export function parseImage(packed: Uint8Array, ram: RamRange): Image | ImageError {
  if (packed.length === 0) return new ImageError('the file is empty');
  const file = unpacked(packed, Number(ram.length));
  if (file instanceof ImageError) return file;
  if (file.length === 0) return new ImageError('the unpacked file is empty');
  const refusal = known.find(({ at, bytes }) => bytes.every((byte, index) => file[at + index] === byte));
  if (refusal) return new ImageError(refusal.message);
  const image = parseElf(file) ?? parseLinuxImage(file, ram) ?? parseFlat(file, ram);
  return image instanceof ImageError ? image : placed(image, ram);
}

const parseFlat = (file: Uint8Array, ram: RamRange): Image => ({
  kind: 'flat',
  segments: [{ address: ram.start, data: file, length: BigInt(file.length) }],
  entry: ram.start,
});

const ascii = (text: string): readonly number[] => Array.from(text, (character) => character.charCodeAt(0));

/** Files that people try and that would only crash as plain bytes. */
const known: readonly { readonly at: number; readonly bytes: readonly number[]; readonly message: string }[] = [
  { at: 0, bytes: [0xfd, ...ascii('7zXZ')], message: 'the file is compressed with xz; unpack it first' },
  { at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], message: 'the file is compressed with zstd; unpack it first' },
  {
    at: 0x24,
    bytes: [0x18, 0x28, 0x6f, 0x01],
    message: 'the file is a zImage for 32-bit Arm, and the machine is AArch64',
  },
];

const range = (start: bigint, length: bigint): string => `${hex(start)}..${hex(start + length - 1n)}`;

/** The image with its segments in order, if all of them fit. */
function placed(image: Image, ram: RamRange): Image | ImageError {
  const segments = image.segments.toSorted((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  for (const [index, { address, length }] of segments.entries()) {
    if (address < ram.start || address + length > ram.start + ram.length)
      return new ImageError(
        `the segment ${range(address, length)} does not fit into the RAM at ${range(ram.start, ram.length)}`,
      );
    const before = segments[index - 1];
    if (index > 0 && before.address + before.length > address)
      return new ImageError(
        `the segments ${range(before.address, before.length)} and ${range(address, length)} overlap`,
      );
  }
  if (image.entry % 4n !== 0n)
    return new ImageError(`the entry point ${hex(image.entry)} is no multiple of 4, as an instruction's address is`);
  return { ...image, segments };
}
