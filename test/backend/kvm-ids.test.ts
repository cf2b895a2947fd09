import { describe, expect, it } from 'vitest';
import { type Encoding, encodingNumber } from '../../src/arm/index.ts';
import {
  CoreId,
  ccsidrId,
  coreIds,
  firmwareBitmapId,
  firmwareId,
  idGroup,
  idName,
  idSize,
  idToSystemRegisterNumber,
  idWords,
  SveId,
  sysregId,
} from '../../src/backend/kvm-ids.ts';

const sysreg = (...encoding: Encoding): bigint => sysregId(encodingNumber(encoding));

/** Literal ids as Linux's headers give them. */
const rows: readonly [name: string, id: bigint, literal: bigint, bytes: number][] = [
  ['X0', CoreId.X(0), 0x6030000000100000n, 8],
  ['X30', CoreId.X(30), 0x603000000010003cn, 8],
  ['SP', CoreId.SP, 0x603000000010003en, 8],
  ['PC', CoreId.PC, 0x6030000000100040n, 8],
  ['PSTATE', CoreId.PSTATE, 0x6030000000100042n, 8],
  ['SP_EL1', CoreId.SP_EL1, 0x6030000000100044n, 8],
  ['ELR_EL1', CoreId.ELR_EL1, 0x6030000000100046n, 8],
  ['SPSR_EL1', CoreId.SPSR(0), 0x6030000000100048n, 8],
  ['SPSR_fiq', CoreId.SPSR(4), 0x6030000000100050n, 8],
  ['V0', CoreId.V(0), 0x6040000000100054n, 16],
  ['V31', CoreId.V(31), 0x60400000001000d0n, 16],
  ['FPSR', CoreId.FPSR, 0x60200000001000d4n, 4],
  ['FPCR', CoreId.FPCR, 0x60200000001000d5n, 4],
  ['CCSIDR_EL1[0]', ccsidrId(0), 0x6020000000110000n, 4],
  ['CCSIDR_EL1[13]', ccsidrId(13), 0x602000000011000dn, 4],
  ['KVM_REG_ARM_PSCI_VERSION', firmwareId(0), 0x6030000000140000n, 8],
  ['KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3', firmwareId(3), 0x6030000000140003n, 8],
  ['KVM_REG_ARM_STD_BMAP', firmwareBitmapId(0), 0x6030000000160000n, 8],
  ['KVM_REG_ARM_VENDOR_HYP_BMAP', firmwareBitmapId(2), 0x6030000000160002n, 8],
  ['Z0', SveId.Z(0), 0x6080000000150000n, 256],
  ['Z31', SveId.Z(31), 0x60800000001503e0n, 256],
  ['P15', SveId.P(15), 0x60500000001505e0n, 32],
  ['FFR', SveId.FFR, 0x6050000000150600n, 32],
  ['KVM_REG_ARM64_SVE_VLS', SveId.VLS, 0x606000000015ffffn, 64],
  ['MIDR_EL1', sysreg(3, 0, 0, 0, 0), 0x603000000013c000n, 8],
  ['SCTLR_EL1', sysreg(3, 0, 1, 0, 0), 0x603000000013c080n, 8],
  ['VBAR_EL1', sysreg(3, 0, 12, 0, 0), 0x603000000013c600n, 8],
  ['MDSCR_EL1', sysreg(2, 0, 0, 2, 2), 0x6030000000138012n, 8],
  ['DBGWCR15_EL1', sysreg(2, 0, 0, 15, 7), 0x603000000013807fn, 8],
  ['CNTV_CTL_EL0', sysreg(3, 3, 14, 3, 1), 0x603000000013df19n, 8],
  ['CNTV_CVAL_EL0', sysreg(3, 3, 14, 3, 2), 0x603000000013df02n, 8],
  ['CNTVCT_EL0', sysreg(3, 3, 14, 0, 2), 0x603000000013df1an, 8],
  ['CNTP_CTL_EL0', sysreg(3, 3, 14, 2, 1), 0x603000000013df11n, 8],
  ['CNTP_CVAL_EL0', sysreg(3, 3, 14, 2, 2), 0x603000000013df12n, 8],
  ['CNTPCT_EL0', sysreg(3, 3, 14, 0, 1), 0x603000000013df01n, 8],
];

describe('ids of KVM registers', () => {
  it.each(rows)('%s', (name, id, literal, bytes) => {
    expect(id).toBe(literal);
    expect(idSize(id)).toBe(bytes);
    expect(idWords(id)).toBe(Math.max(1, bytes / 8));
    expect(idName(id)).toBe(name);
  });

  it('undoes the exchanged pair in both directions and touches no other register', () => {
    const exchanged: string[] = [];
    for (let number = 0; number < 0x10000; number++) {
      const id = sysregId(number);
      if (idToSystemRegisterNumber(id) !== number) throw new Error(`${number} comes back as another number`);
      if (id !== (0x6030000000130000n | BigInt(number))) exchanged.push(`${number.toString(16)} ${id.toString(16)}`);
    }
    expect(exchanged).toEqual(['df02 603000000013df1a', 'df1a 603000000013df02']);
  });

  it('lists the core registers ascending, each once', () => {
    const ids = coreIds.map(({ id }) => id);
    expect(ids).toHaveLength(31 + 5 + 5 + 32 + 2);
    expect(new Set(ids).size).toBe(ids.length);
    // The size field makes V greater than FPSR, so that ascending holds for the offsets only.
    const offsets = ids.map((id) => id & 0xffffn);
    expect(offsets).toEqual(offsets.toSorted((a, b) => Number(a - b)));
  });

  it.each([
    ['an AArch32 id', 0x40200000000f0800n],
    ['an unknown group', 0x60300000001f0000n],
    ['the hole before V0', 0x6030000000100052n],
    ['a core register of the wrong size', 0x6020000000100000n],
    ['a demultiplexer of another kind', 0x6020000000110100n],
    ['an unknown firmware register', 0x6030000000140009n],
  ])('names %s by its number', (_, id) => {
    expect(idName(id)).toBe(`0x${id.toString(16).padStart(16, '0')}`);
  });

  it('has no system register for ids of other groups', () => {
    for (const id of [CoreId.PC, ccsidrId(0), firmwareId(0), SveId.VLS, 0x40200000000f0800n]) {
      expect(idToSystemRegisterNumber(id)).toBeUndefined();
    }
    expect(idGroup(0x40200000000f0800n)).toBeUndefined();
    expect(idGroup(CoreId.PC)).toBe('core');
    expect(idGroup(sysreg(3, 0, 1, 0, 0))).toBe('sysreg');
  });
});
