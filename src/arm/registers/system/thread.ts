/** Software's own thread and context numbers. Arm ARM DDI 0487, D19.2 "General system control registers". */
import { field, type SystemRegister, sysreg } from '../register.ts';

const thread = { group: 'thread' } as const;
const threadId = [field('ThreadID', 63, 0)];
const contextNumber = [field('SoftwareContextNumber', 63, 0)];
const scxtnum = { ...thread, feature: 'FEAT_CSV2_2' };

export const threadRegisters: readonly SystemRegister[] = [
  sysreg('TPIDR_EL0', [3, 3, 13, 0, 2], 'EL0 Read/Write Software Thread ID Register', threadId, thread),
  sysreg('TPIDRRO_EL0', [3, 3, 13, 0, 3], 'EL0 Read-Only Software Thread ID Register', threadId, {
    ...thread,
    writeEl: 1,
  }),
  sysreg('TPIDR_EL1', [3, 0, 13, 0, 4], 'EL1 Software Thread ID Register', threadId, thread),
  sysreg('SCXTNUM_EL0', [3, 3, 13, 0, 7], 'EL0 Read/Write Software Context Number', contextNumber, scxtnum),
  sysreg('SCXTNUM_EL1', [3, 0, 13, 0, 7], 'EL1 Read/Write Software Context Number', contextNumber, scxtnum),
];
