/**
 * Kernels in compressed forms: gzip, and the EFI application that unpacks itself.
 *
 * RFC 1952; Linux drivers/firmware/efi/libstub/zboot-header.S.
 */
import { gunzipSync } from 'node:zlib';
import { ImageError } from './image.ts';

const startsWith = (file: Uint8Array, at: number, text: string): boolean =>
  Array.from(text).every((character, i) => file[at + i] === character.charCodeAt(0));

const isGzip = (file: Uint8Array): boolean => file[0] === 0x1f && file[1] === 0x8b;

/** Offset and length of the payload, and how it is compressed. */
function zboot(file: Uint8Array): { readonly payload: Uint8Array; readonly method: string } | undefined {
  if (file.length < 64 || !startsWith(file, 0, 'MZ') || !startsWith(file, 4, 'zimg')) return undefined;
  const header = new DataView(file.buffer, file.byteOffset, 64);
  const offset = header.getUint32(8, true);
  const method = String.fromCharCode(...file.subarray(24, 32)).replace(/\0.*$/s, '');
  return { payload: file.subarray(offset, offset + header.getUint32(12, true)), method };
}

/** Whether `unpacked` has something to do, which takes a while. */
export const isCompressed = (file: Uint8Array): boolean => isGzip(file) || zboot(file) !== undefined;

/** What is in the file, no longer than `most` bytes; a file that is not compressed as it is. */
export function unpacked(file: Uint8Array, most: number): Uint8Array | ImageError {
  const application = zboot(file);
  const packed = application?.payload ?? file;
  if (application && application.method !== 'gzip')
    return new ImageError(
      `the file is an EFI kernel compressed with ${application.method || 'something unknown'}; give the unpacked Image`,
    );
  if (!isGzip(packed)) return application ? new ImageError('the EFI kernel is cut short') : file;
  try {
    return gunzipSync(packed, { maxOutputLength: most });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return new ImageError(`the unpacked file has more than ${most} bytes`);
    return new ImageError(`the file is compressed with gzip and cannot be unpacked: ${message}`);
  }
}
