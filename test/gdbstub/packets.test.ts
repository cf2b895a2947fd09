import { expect, test } from 'vitest';
import { renderPackets } from '../../src/gdbstub/index.ts';

test('docs/PACKETS.md is what the table says', async () => {
  await expect(renderPackets()).toMatchFileSnapshot('../../docs/PACKETS.md');
});
