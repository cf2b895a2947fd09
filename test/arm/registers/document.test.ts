import { expect, it } from 'vitest';
import { renderRegisters } from '../../../src/arm/index.ts';

it('docs/REGISTERS.md is what the catalogue says (npx vitest run -u renews it)', async () => {
  await expect(renderRegisters()).toMatchFileSnapshot('../../../docs/REGISTERS.md');
});
