/**
 * Two views of one storage, PMCNTENSET_EL0 and PMCNTENCLR_EL0: some kernels carry out KVM_SET_ONE_REG as the guest's MSR, so
 * that ones only set bits of the first and only clear bits of the second. Together they can write any value.
 *
 * Linux arch/arm64/kvm/sys_regs.c, set_pmreg: from 6.6 on, until raw values were taken again.
 */
import { mask } from '../arm/index.ts';
import type { GuestRegister, RegisterTable } from './register-table.ts';
import type { CpuSync } from './sync.ts';

export interface Twins {
  readonly set: GuestRegister;
  readonly clear: GuestRegister;
}

export function twinsOf({ system }: RegisterTable, { name, definition }: GuestRegister): Twins | undefined {
  const setName = definition?.aliasOf ?? name;
  const clearName = setName.replace('SET', 'CLR');
  if (clearName === setName) return undefined;
  const registers = [...system.values()];
  const [set, clear] = [setName, clearName].map((wanted) => registers.find((register) => register.name === wanted));
  return set && clear && { set, clear };
}

/** Only reading back tells whether it sticks. */
export function writeThroughTwins(sync: CpuSync, { set, clear }: Twins, value: bigint): void {
  for (const [register, ones] of [
    [clear, ~value & mask(63, 0)],
    [set, value],
  ] as const) {
    if (sync.ensure(register.scope).length > 0) return;
    register.edit(sync.state, ones);
    sync.kvmArchPutRegisters('full', register.scope);
  }
}
