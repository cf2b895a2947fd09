/** Packets that only lldb sends. LLDB, docs/resources/lldbgdbremote.md. */
import { hexText } from '../output.ts';
import { packet } from '../packet.ts';
import type { HostInfo } from '../target.ts';

const hostPairs = ({ triple, endian, pointerSize }: HostInfo): string =>
  `triple:${hexText(triple)};endian:${endian};ptrsize:${pointerSize};`;

export const lldbPackets = [
  packet('QThreadSuffixSupported', {
    doc: 'The client will name the thread at the end of g, G, p and P.',
    when: 'connected',
    run: (_, context) => {
      context.isLldb();
      return undefined;
    },
  }),

  packet('QListThreadsInStopReply', {
    doc: 'Stop replies shall list all threads and their pcs.',
    when: 'connected',
    run: (_, context) => {
      context.isLldb();
      context.listThreads = true;
      return undefined;
    },
  }),

  packet('QEnableErrorStrings', {
    doc: 'Errors shall have a text: Exx;text in hexadecimal digits.',
    when: 'connected',
    run: (_, context) => {
      context.isLldb();
      context.errorStrings = true;
      return undefined;
    },
  }),

  packet('qHostInfo', {
    doc: 'The machine: triple, byte order, size of a pointer, bits of an address.',
    needs: 'host',
    when: 'connected',
    run: (_, { target: { host } }) => {
      const bits = host.addressingBits?.();
      return [
        hostPairs(host),
        host.hostname === undefined ? '' : `hostname:${hexText(host.hostname)};`,
        bits ? `low_mem_addressing_bits:${bits.low};high_mem_addressing_bits:${bits.high};` : '',
      ].join('');
    },
  }),

  packet('qProcessInfo', {
    doc: 'The one process: number 1, of the same triple.',
    needs: 'host',
    run: (_, { target }) => `pid:1;${hostPairs(target.host)}`,
  }),

  packet('qGDBServerVersion', {
    doc: 'Name and version of the server.',
    when: 'connected',
    run: (_, { options }) => `name:${options.name};version:${options.version};`,
  }),

  packet('qEcho:{text:text}', {
    doc: 'The packet itself is the reply: lldb looks for it after a time-out.',
    features: ['qEcho+'],
    when: 'connected',
    run: ({ text }) => `qEcho:${text}`,
  }),
];
