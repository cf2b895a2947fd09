/** Documents that a debugger reads piece by piece. GDB manual, General Query Packets, qXfer. */

import type { MemoryMapEntry, Threads } from './target.ts';
import { escapeXml } from './target-xml.ts';

export type Document = Uint8Array;

const utf8 = new TextEncoder();

export const documentOf = (text: string): Document => utf8.encode(text);

export const threadsXml = (threads: Threads): string =>
  `<?xml version="1.0"?>\n<threads>\n${threads
    .list()
    .map((thread) => {
      const name = escapeXml(threads.name(thread));
      return `<thread id="${thread.toString(16)}" core="${thread - 1}" name="${name}">${escapeXml(threads.extra(thread))}</thread>\n`;
    })
    .join('')}</threads>\n`;

/** gdb writes flash only with packets that are not offered here: to it flash is read-only memory. */
export const memoryMapXml = (entries: readonly MemoryMapEntry[]): string =>
  `<?xml version="1.0"?>\n<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">\n<memory-map>\n${entries
    .map(
      ({ kind, start, length }) =>
        `<memory type="${kind === 'ram' ? 'ram' : 'rom'}" start="0x${start.toString(16)}" length="0x${length.toString(16)}"/>\n`,
    )
    .join('')}</memory-map>\n`;
