/** qXfer: documents that are read piece by piece. */
import { type Document, documentOf, memoryMapXml, threadsXml } from '../document.ts';
import { type Context, packet, type Reply } from '../packet.ts';
import { TargetError } from '../target.ts';

/** One piece. The document is made when its first piece is asked for, so that the pieces fit together. */
function piece(context: Context, name: string, offset: number, length: number, make: () => string): Reply {
  const kept = offset === 0 ? undefined : context.documents.get(name);
  const document: Document = kept ?? documentOf(make());
  context.documents.set(name, document);
  if (offset > document.length) return new TargetError(`${name} has only ${document.length} bytes`, 22);
  // Half of a packet: with all escapes it is a whole one.
  const part = document.subarray(offset, offset + Math.min(length, context.options.packetSize >> 1));
  return (output) => {
    output.text(offset + part.length === document.length ? 'l' : 'm');
    output.binary(part);
  };
}

export const documentPackets = [
  packet('qXfer:features:read:{annex:text}:{offset:int},{length:int}', {
    doc: 'The target description, made for gdb or for lldb: one that each can use best.',
    features: ['qXfer:features:read+'],
    run: ({ annex, offset, length }, context) => {
      if (annex !== 'target.xml') return new TargetError(`there is no ${annex.slice(0, 40)}`, 2);
      return piece(context, annex, offset, length, () => context.layout.xml);
    },
  }),

  packet('qXfer:threads:read::{offset:int},{length:int}', {
    doc: 'The list of threads with their names.',
    features: ['qXfer:threads:read+'],
    run: ({ offset, length }, context) =>
      piece(context, 'threads', offset, length, () => threadsXml(context.target.threads)),
  }),

  packet('qXfer:memory-map:read::{offset:int},{length:int}', {
    doc: 'The map of memory. gdb touches nothing outside of it.',
    needs: 'memoryMap',
    features: ['qXfer:memory-map:read+'],
    run: ({ offset, length }, context) =>
      piece(context, 'memory map', offset, length, () => memoryMapXml(context.target.memoryMap())),
  }),
];
