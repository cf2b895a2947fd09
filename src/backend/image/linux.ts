/**
 * The arm64 Linux kernel as `arch/arm64/boot/Image`.
 *
 * Linux Documentation/arch/arm64/booting.rst, "Call the kernel image".
 */
import { type Image, ImageError, type RamRange } from './image.ts';

const magic = 0x644d5241;
const headerLength = 64;
const twoMiB = 0x20_0000n;

/** undefined: not such a file. */
export function parseLinuxImage(file: Uint8Array, ram: RamRange): Image | ImageError | undefined {
  if (file.length < headerLength) return undefined;
  const header = new DataView(file.buffer, file.byteOffset, headerLength);
  if (header.getUint32(56, true) !== magic) return undefined;
  if (header.getBigUint64(24, true) & 1n)
    return new ImageError('the kernel is big-endian (flags bit 0), which is not supported');
  const imageSize = header.getBigUint64(16, true);
  // Kernels before 3.17 tell no size, and nothing that can be relied on about the offset.
  const textOffset = imageSize === 0n ? 0x8_0000n : header.getBigUint64(8, true);
  const fileLength = BigInt(file.length);
  const base = ((ram.start + twoMiB - 1n) / twoMiB) * twoMiB;
  const address = base + textOffset;
  const length = imageSize > fileLength ? imageSize : fileLength;
  return { kind: 'linux', segments: [{ address, data: file, length }], entry: address };
}
