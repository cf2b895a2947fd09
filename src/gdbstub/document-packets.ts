/** docs/PACKETS.md, made from the table. */

import type { Packet } from './packet.ts';
import { packetGroups } from './packets/index.ts';

const row = ({ pattern, doc, needs, features }: Packet): string => {
  const notation = `\`${pattern.text.replaceAll('|', '\\|')}\``;
  const told = features.map((feature) => `\`${feature}\``).join(' ');
  return `| ${notation} | ${doc} | ${needs ? `\`${needs}\`` : ''} | ${told} |`;
};

/** The whole document. */
export function renderPackets(): string {
  const sections = packetGroups.map(({ title, packets }) =>
    [`## ${title}`, '', '| packet | | needs | qSupported |', '| --- | --- | --- | --- |', ...packets.map(row), ''].join(
      '\n',
    ),
  );
  return [
    '# Packets',
    '',
    'Generated from the packet table in `src/gdbstub/packets`; `npx vitest run test/gdbstub/packets.test.ts -u` writes it anew.',
    '',
    'Fields are `{name:type}`, and what stands in `[...]` may be missing. *needs* is the optional member of the target without',
    'which the packet is unsupported: an empty reply. *qSupported* is what the server then says that it can do.',
    '',
    ...sections,
  ].join('\n');
}
