/** What AArch32 can do, as AArch64 reads it. Arm ARM DDI 0487, D19.2. */
import { field, impdef, res0, type SystemRegister, type Values } from '../register.ts';
import { absentOr, idRegister, nibbles } from './id-fields.ts';

const pmu: Values = {
  0: 'not implemented',
  1: 'PMUv1',
  2: 'PMUv2',
  3: 'FEAT_PMUv3',
  4: 'FEAT_PMUv3p1',
  5: 'FEAT_PMUv3p4',
  6: 'FEAT_PMUv3p5',
  7: 'FEAT_PMUv3p7',
  8: 'FEAT_PMUv3p8',
  9: 'FEAT_PMUv3p9',
  15: 'implementation defined counters',
};
const debug: Values = {
  0: 'not implemented',
  2: 'Armv6',
  3: 'Armv6.1',
  4: 'Armv7',
  5: 'Armv7.1',
  6: 'Armv8.0',
  7: 'Armv8.1',
  8: 'Armv8.2',
  9: 'Armv8.4',
  10: 'Armv8.8',
  11: 'Armv8.9',
};
const coherent: Values = { 0: 'non-cacheable', 1: 'hardware coherency', 15: 'ignored' };

const processorFeatures = [
  idRegister(
    'ID_PFR0_EL1',
    [3, 0, 0, 1, 0],
    'AArch32 Processor Feature Register 0',
    nibbles([
      ['RAS', absentOr('FEAT_RAS', 'FEAT_RASv1p1', 'FEAT_RASv2')],
      'DIT',
      ['AMU', absentOr('FEAT_AMUv1', 'FEAT_AMUv1p1')],
      ['CSV2', { 0: 'not told', 1: 'FEAT_CSV2', 2: 'FEAT_CSV2_1p1' }],
      ['State3', absentOr('T32EE')],
      ['State2', absentOr('Jazelle, trivial', 'Jazelle')],
      ['State1', { 0: 'no T32', 1: 'T32, 16-bit only', 3: 'T32' }],
      ['State0', absentOr('A32')],
    ]),
  ),
  idRegister(
    'ID_PFR1_EL1',
    [3, 0, 0, 1, 1],
    'AArch32 Processor Feature Register 1',
    nibbles([
      ['GIC', { 0: 'no system registers', 1: 'GIC 3.0 or 4.0', 3: 'GIC 4.1' }],
      'Virt_frac',
      ['Sec_frac', null],
      ['GenTimer', absentOr('Generic Timer', 'FEAT_ECV')],
      'Virtualization',
      ['MProgMod', { 0: 'not implemented', 2: 'implemented' }],
      ['Security', absentOr('EL3', 'EL3 with NSACR.RFR')],
      'ProgMod',
    ]),
  ),
  idRegister('ID_PFR2_EL1', [3, 0, 0, 3, 4], 'AArch32 Processor Feature Register 2', [
    res0(63, 12),
    field('RAS_frac', 11, 8, { 0: 'as RAS says', 1: 'FEAT_RASv1p1' }),
    field('SSBS', 7, 4, absentOr('FEAT_SSBS')),
    field('CSV3', 3, 0, absentOr('FEAT_CSV3')),
  ]),
];

const debugFeatures = [
  idRegister(
    'ID_DFR0_EL1',
    [3, 0, 0, 1, 2],
    'AArch32 Debug Feature Register 0',
    nibbles([
      'TraceFilt',
      ['PerfMon', pmu],
      'MProfDbg',
      ['MMapTrc', absentOr('memory-mapped trace')],
      ['CopTrc', absentOr('trace in System registers')],
      ['MMapDbg', { 0: 'not implemented', 4: 'Armv7', 5: 'Armv7.1' }],
      ['CopSDbg', debug],
      ['CopDbg', debug],
    ]),
  ),
  idRegister('ID_DFR1_EL1', [3, 0, 0, 3, 5], 'AArch32 Debug Feature Register 1', [
    res0(63, 8),
    field('HPMN0', 7, 4, absentOr('FEAT_HPMN0')),
    field('MTPMU', 3, 0, { 0: 'not told', 1: 'implemented', 15: 'not implemented' }),
  ]),
  idRegister('ID_AFR0_EL1', [3, 0, 0, 1, 3], 'AArch32 Auxiliary Feature Register 0', [res0(63, 16), impdef(15, 0)]),
];

const memoryModel = [
  idRegister(
    'ID_MMFR0_EL1',
    [3, 0, 0, 1, 4],
    'AArch32 Memory Model Feature Register 0',
    nibbles([
      ['InnerShr', coherent],
      'FCSE',
      ['AuxReg', absentOr('ACTLR', 'ACTLR, AIFSR and ADFSR')],
      ['TCM', null],
      ['ShareLvl', { 0: 'one level', 1: 'two levels' }],
      ['OuterShr', coherent],
      ['PMSA', absentOr('implementation defined', 'PMSAv6', 'PMSAv7')],
      [
        'VMSA',
        absentOr(
          'implementation defined',
          'VMSAv6',
          'VMSAv7',
          'VMSAv7 with PXN',
          'VMSAv7 with PXN and long descriptors',
        ),
      ],
    ]),
  ),
  idRegister(
    'ID_MMFR1_EL1',
    [3, 0, 0, 1, 5],
    'AArch32 Memory Model Feature Register 1',
    nibbles([
      ['BPred', null],
      ['L1TstCln', null],
      ['L1Uni', null],
      ['L1Hvd', null],
      ['L1UniSW', null],
      ['L1HvdSW', null],
      ['L1UniVA', null],
      ['L1HvdVA', null],
    ]),
  ),
  idRegister(
    'ID_MMFR2_EL1',
    [3, 0, 0, 1, 6],
    'AArch32 Memory Model Feature Register 2',
    nibbles([
      'HWAccFlg',
      'WFIStall',
      ['MemBarr', absentOr('DSB', 'DSB, ISB and DMB')],
      ['UniTLB', null],
      ['HvdTLB', null],
      'L1HvdRng',
      'L1HvdBG',
      'L1HvdFG',
    ]),
  ),
  idRegister(
    'ID_MMFR3_EL1',
    [3, 0, 0, 1, 7],
    'AArch32 Memory Model Feature Register 3',
    nibbles([
      ['Supersec', { 0: 'supported', 15: 'not supported' }],
      ['CMemSz', { 0: '4 GiB', 1: '64 GiB', 2: '1 TiB or more' }],
      ['CohWalk', { 0: 'updates need a clean', 1: 'updates need no clean' }],
      ['PAN', absentOr('FEAT_PAN', 'FEAT_PAN2')],
      ['MaintBcst', absentOr('caches only', 'caches, TLB and branch predictor')],
      ['BPMaint', absentOr('all', 'all and by address')],
      ['CMaintSW', absentOr('by set and way')],
      ['CMaintVA', absentOr('by address')],
    ]),
  ),
  idRegister(
    'ID_MMFR4_EL1',
    [3, 0, 0, 2, 6],
    'AArch32 Memory Model Feature Register 4',
    nibbles([
      ['EVT', absentOr('TTLBIS and others not', 'all')],
      'CCIDX',
      'LSM',
      ['HPDS', absentOr('FEAT_AA32HPD', 'FEAT_HPDS2')],
      'CnP',
      'XNX',
      'AC2',
      ['SpecSEI', { 0: 'never', 1: 'may be generated' }],
    ]),
  ),
  idRegister('ID_MMFR5_EL1', [3, 0, 0, 3, 6], 'AArch32 Memory Model Feature Register 5', [
    res0(63, 8),
    field('nTLBPA', 7, 4, absentOr('FEAT_nTLBPA')),
    field('ETS', 3, 0, { 0: 'not told', 1: 'not told', 2: 'FEAT_ETS2', 3: 'FEAT_ETS3' }),
  ]),
];

const instructionSet = [
  idRegister(
    'ID_ISAR0_EL1',
    [3, 0, 0, 2, 0],
    'AArch32 Instruction Set Attribute Register 0',
    nibbles([
      null,
      ['Divide', absentOr('in T32', 'in T32 and A32')],
      ['Debug', absentOr('BKPT')],
      ['Coproc', absentOr('MRC and MCR', 'and MRC2', 'and MRRC', 'and MRRC2')],
      ['CmpBranch', absentOr('CBZ and CBNZ')],
      ['BitField', absentOr('BFC, BFI, SBFX, UBFX')],
      ['BitCount', absentOr('CLZ')],
      ['Swap', absentOr('SWP and SWPB')],
    ]),
  ),
  idRegister(
    'ID_ISAR1_EL1',
    [3, 0, 0, 2, 1],
    'AArch32 Instruction Set Attribute Register 1',
    nibbles([
      ['Jazelle', absentOr('BXJ')],
      ['Interwork', absentOr('BX', 'BX and BLX', 'BX, BLX and data processing')],
      ['Immediate', absentOr('MOVT, MOVW and wide immediates')],
      ['IfThen', absentOr('IT')],
      ['Extend', absentOr('SXTB, UXTB and halfwords', 'all')],
      ['Except_AR', absentOr('SRS, RFE, CPS')],
      ['Except', absentOr('LDM (exception return), STM (user)')],
      ['Endian', absentOr('SETEND')],
    ]),
  ),
  idRegister(
    'ID_ISAR2_EL1',
    [3, 0, 0, 2, 2],
    'AArch32 Instruction Set Attribute Register 2',
    nibbles([
      ['Reversal', absentOr('REV, REV16, REVSH', 'and RBIT')],
      ['PSR_AR', absentOr('MRS and MSR')],
      ['MultU', absentOr('UMULL, UMLAL', 'and UMAAL')],
      ['MultS', absentOr('SMULL, SMLAL', 'and halfwords', 'and dual')],
      ['Mult', absentOr('MLA', 'MLA and MLS')],
      ['MultiAccessInt', absentOr('restartable', 'continuable')],
      ['MemHint', absentOr('PLD', 'PLD', 'PLD and PLI', 'PLD, PLI and PLDW')],
      ['LoadStore', absentOr('LDRD and STRD', 'and acquire, release')],
    ]),
  ),
  idRegister(
    'ID_ISAR3_EL1',
    [3, 0, 0, 2, 3],
    'AArch32 Instruction Set Attribute Register 3',
    nibbles([
      'T32EE',
      ['TrueNOP', absentOr('NOP')],
      ['T32Copy', absentOr('MOV of low registers')],
      ['TabBranch', absentOr('TBB and TBH')],
      ['SynchPrim', absentOr('LDREX', 'LDREX and other sizes')],
      ['SVC', absentOr('SVC')],
      ['SIMD', { 0: 'not implemented', 1: 'SSAT and USAT', 3: 'all' }],
      ['Saturate', absentOr('QADD and others')],
    ]),
  ),
  idRegister(
    'ID_ISAR4_EL1',
    [3, 0, 0, 2, 4],
    'AArch32 Instruction Set Attribute Register 4',
    nibbles([
      ['SWP_frac', null],
      ['PSR_M', absentOr('M-profile MRS and MSR')],
      ['SynchPrim_frac', null],
      ['Barrier', absentOr('DMB, DSB and ISB')],
      ['SMC', absentOr('SMC')],
      ['Writeback', absentOr('all')],
      ['WithShifts', { 0: 'none', 1: 'LSL by 0 to 3 on loads', 3: 'constant shifts on loads', 4: 'all' }],
      ['Unpriv', absentOr('LDRBT, LDRT, STRBT, STRT', 'and LDRHT, LDRSBT, LDRSHT, STRHT')],
    ]),
  ),
  idRegister(
    'ID_ISAR5_EL1',
    [3, 0, 0, 2, 5],
    'AArch32 Instruction Set Attribute Register 5',
    nibbles(['VCMA', 'RDM', null, 'CRC32', 'SHA2', 'SHA1', ['AES', absentOr('AES', 'AES and VMULL')], 'SEVL']),
  ),
  idRegister(
    'ID_ISAR6_EL1',
    [3, 0, 0, 2, 7],
    'AArch32 Instruction Set Attribute Register 6',
    nibbles([
      'CLRBHB',
      'I8MM',
      'BF16',
      ['SPECRES', absentOr('FEAT_SPECRES', 'FEAT_SPECRES2')],
      'SB',
      'FHM',
      'DP',
      'JSCVT',
    ]),
  ),
];

const precision: Values = absentOr('VFPv2', 'VFPv3 or later');

const floatingPoint = [
  idRegister(
    'MVFR0_EL1',
    [3, 0, 0, 3, 0],
    'AArch32 Media and VFP Feature Register 0',
    nibbles([
      ['FPRound', absentOr('all rounding modes')],
      ['FPShVec', absentOr('short vectors')],
      'FPSqrt',
      'FPDivide',
      ['FPTrap', absentOr('trapped exceptions')],
      ['FPDP', precision],
      ['FPSP', precision],
      ['SIMDReg', absentOr('16 x 64 bits', '32 x 64 bits')],
    ]),
  ),
  idRegister(
    'MVFR1_EL1',
    [3, 0, 0, 3, 1],
    'AArch32 Media and VFP Feature Register 1',
    nibbles([
      'SIMDFMAC',
      ['FPHP', absentOr('to single', 'to single and double', 'with arithmetic')],
      ['SIMDHP', absentOr('to single', 'with arithmetic')],
      'SIMDSP',
      'SIMDInt',
      'SIMDLS',
      ['FPDNaN', { 0: 'default NaN only', 1: 'NaNs propagate' }],
      ['FPFtZ', { 0: 'flush to zero only', 1: 'denormals' }],
    ]),
  ),
  idRegister('MVFR2_EL1', [3, 0, 0, 3, 2], 'AArch32 Media and VFP Feature Register 2', [
    res0(63, 8),
    field('FPMisc', 7, 4, absentOr('selection', 'and directed conversion', 'and rounding', 'and maxNum and minNum')),
    field('SIMDMisc', 3, 0, absentOr('directed conversion', 'and rounding', 'and maxNum and minNum')),
  ]),
];

export const idAArch32Registers: readonly SystemRegister[] = [
  ...processorFeatures,
  ...debugFeatures,
  ...memoryModel,
  ...instructionSet,
  ...floatingPoint,
];
