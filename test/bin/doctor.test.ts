import { describe, expect, test } from 'vitest';
import { run } from './command.ts';

describe('doctor', () => {
  test('tells what there is, what stands in the way, and what auto takes', async () => {
    const { code, stdout, stderr } = await run('doctor');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => [line.slice(0, 32).trim(), line.slice(33)]),
    );
    expect(rows.get('host')).toContain(`${process.platform} `);
    expect(rows.get('Node.js')).toBe(process.version);
    const canUse = rows.get('KVM') === 'can be used';
    expect(rows.get('--backend auto takes')).toBe(canUse ? 'kvm' : 'simulator');
    // Each reason is a sentence of its own, and the capabilities are those of a device that is open.
    if (!canUse) expect(rows.get('KVM')!.length).toBeGreaterThan(20);
    expect(rows.has('KVM_CAP_GUEST_DEBUG_HW_BPS')).toBe(rows.get('/dev/kvm is open') === 'yes');
  });
});
