/** Packets that read, write and search memory. */

import { hex, hexText } from '../output.ts';
import { type Context, packet, type Reply } from '../packet.ts';
import { crc32, Search } from '../scan.ts';
import { type Outcome, type Result, TargetError } from '../target.ts';

const end = 1n << 64n;
/** For all that comes in one piece. More takes so long that the server would hear nothing else meanwhile. */
const longestScan = 256 << 20;
const block = 1 << 16;

const tooFar = (): TargetError => new TargetError('the range goes beyond the last address', 22);

/** At most this many bytes, and none beyond the last address. */
function read(context: Context, address: bigint, length: number, most: number): Result<Uint8Array> {
  const thread = context.thread();
  if (typeof thread !== 'number') return thread;
  let wanted = Math.min(length, most);
  if (address + BigInt(wanted) > end) wanted = Number(end - address);
  const data = context.target.memory.read(thread, address, wanted);
  // A target that gives more than it was asked for must not make a reply that is longer than agreed.
  return data instanceof TargetError || data.length <= wanted ? data : data.subarray(0, wanted);
}

function write(context: Context, address: bigint, length: number, data: Uint8Array): Outcome {
  if (data.length !== length) return new TargetError(`the packet says ${length} bytes and holds ${data.length}`, 22);
  const thread = context.thread();
  if (typeof thread !== 'number') return thread;
  if (length === 0) return undefined;
  if (address + BigInt(length) > end) return tooFar();
  return context.target.memory.write(thread, address, data);
}

function readBinary(context: Context, address: bigint, length: number): Reply {
  const isLldb = context.client === 'lldb';
  if (length === 0) return isLldb ? undefined : 'b';
  const most = context.options.packetSize;
  const data = read(context, address, length, most);
  if (data instanceof TargetError) return data;
  return (output) => {
    if (!isLldb) output.text('b');
    output.binary(data, most - 1);
  };
}

/** Hands all bytes of a range to `visit` until it answers with something. */
function scan<T>(
  context: Context,
  address: bigint,
  length: number,
  visit: (data: Uint8Array) => T,
): Result<T | undefined> {
  if (address + BigInt(length) > end) return tooFar();
  if (context.scanned + length > longestScan)
    return new TargetError(`more than ${longestScan} bytes at a time are not looked at`, 22);
  for (let done = 0; done < length; ) {
    const data = read(context, address + BigInt(done), length - done, block);
    if (data instanceof TargetError) return data;
    if (data.length === 0) return new TargetError(`memory at 0x${hex(address + BigInt(done))} cannot be read`, 14);
    context.scanned += data.length;
    const answer = visit(data);
    if (answer !== undefined) return answer;
    done += data.length;
  }
  return undefined;
}

export const memoryPackets = [
  packet('m{address:address},{length:int}', {
    doc: 'Read memory as hexadecimal digits. The reply is shorter where a later part cannot be read or the packet would be too long.',
    numericErrors: true,
    run: ({ address, length }, context) => {
      if (length === 0) return new TargetError('no bytes are asked for', 22);
      const data = read(context, address, length, context.options.packetSize >> 1);
      return data instanceof TargetError ? data : (output) => output.hex(data);
    },
  }),

  packet('x{address:address},{length:int}', {
    doc: 'Read memory as bytes: for gdb behind a b, for lldb bare, and to lldb the read of no bytes is OK.',
    features: ['binary-upload+'],
    numericErrors: true,
    run: ({ address, length }, context) => readBinary(context, address, length),
  }),

  packet('M{address:address},{length:int}:{data:hex}', {
    doc: 'Write memory from hexadecimal digits, all of it or nothing.',
    run: ({ address, length, data }, context) => write(context, address, length, data),
  }),

  packet('X{address:address},{length:int}:{data:binary}', {
    doc: 'Write memory from bytes, all of it or nothing. The write of no bytes asks whether this packet is known.',
    run: ({ address, length, data }, context) => write(context, address, length, data),
  }),

  packet('qCRC:{address:address},{length:int}', {
    doc: 'The CRC-32 of a range, for compare-sections.',
    run: ({ address, length }, context) => {
      let crc = 0xffffffff;
      const error = scan(context, address, length, (data) => {
        crc = crc32(crc, data);
        return undefined;
      });
      return error ?? `C${hex(crc)}`;
    },
  }),

  packet('qSearch:memory:{address:address};{length:int};{pattern:binary}', {
    doc: 'Find the first place of some bytes in a range.',
    run: ({ address, length, pattern }, context) => {
      if (pattern.length === 0) return new TargetError('the pattern is empty', 22);
      const search = new Search(pattern);
      const found = scan(context, address, length, (data) => search.next(data));
      if (found instanceof TargetError) return found;
      return found === undefined ? '0' : `1,${hex(address + BigInt(found))}`;
    },
  }),

  packet('qMemoryRegionInfo:{address:address}', {
    doc: 'The region or the hole around an address, for lldb.',
    needs: 'memoryRegion',
    run: ({ address }, context) => {
      const thread = context.thread();
      if (typeof thread !== 'number') return thread;
      const region = context.target.memoryRegion(thread, address);
      if (region instanceof TargetError) return region;
      const { start, length, readable, writable, executable, mapped, name } = region;
      const size = length < end ? length : end - 1n;
      const permissions = `${readable ? 'r' : ''}${writable ? 'w' : ''}${executable ? 'x' : ''}`;
      return [
        `start:${hex(start)};size:${hex(size)};`,
        mapped ? `permissions:${permissions};` : '',
        name === undefined ? '' : `name:${hexText(name)};`,
      ].join('');
    },
  }),
];
