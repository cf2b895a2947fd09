import { expect, it } from 'vitest';
import { renderInstructions } from '../../../src/arm/index.ts';

it('docs/INSTRUCTIONS.md is what the definitions say (vitest -u writes it)', async () => {
  await expect(renderInstructions()).toMatchFileSnapshot('../../../docs/INSTRUCTIONS.md');
});
