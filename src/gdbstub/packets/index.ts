/** All packets. The order is that of docs/PACKETS.md; it does not matter for anything else. */
import { checkPackets, type Packet } from '../packet.ts';
import { breakpointPackets } from './breakpoints.ts';
import { documentPackets } from './documents.ts';
import { executionPackets } from './execution.ts';
import { lldbPackets } from './lldb.ts';
import { memoryPackets } from './memory.ts';
import { registerPackets } from './registers.ts';
import { sessionPackets } from './session.ts';
import { threadPackets } from './threads.ts';

export const packetGroups: readonly { readonly title: string; readonly packets: readonly Packet[] }[] = [
  { title: 'The conversation', packets: sessionPackets },
  { title: 'Threads', packets: threadPackets },
  { title: 'Registers', packets: registerPackets },
  { title: 'Memory', packets: memoryPackets },
  { title: 'Execution', packets: executionPackets },
  { title: 'Breakpoints and watchpoints', packets: breakpointPackets },
  { title: 'Documents', packets: documentPackets },
  { title: 'lldb', packets: lldbPackets },
];

export const packets: readonly Packet[] = packetGroups.flatMap((group) => group.packets);
checkPackets(packets);
