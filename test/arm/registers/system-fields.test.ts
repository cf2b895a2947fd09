import { describe, expect, it } from 'vitest';
import { findRegister, mask, registersByGlob, type SystemRegister } from '../../../src/arm/index.ts';

function register(name: string): SystemRegister {
  const found = findRegister(name);
  if (!('number' in found)) throw new Error(`no register ${name}`);
  return found;
}

describe('debug, timer, monitor and interrupt registers', () => {
  /** Masks as Linux's headers have them (asm/sysreg.h, asm/debug-monitors.h, irqchip/arm-gic-v3.h ...). */
  const rows: readonly (readonly [name: string, field: string, mask: bigint])[] = [
    ['MDSCR_EL1', 'SS', 0x1n],
    ['MDSCR_EL1', 'TDCC', 0x1000n],
    ['MDSCR_EL1', 'KDE', 0x2000n],
    ['MDSCR_EL1', 'MDE', 0x8000n],
    ['MDSCR_EL1', 'TXfull', 0x2000_0000n],
    ['DBGBCR3_EL1', 'E', 0x1n],
    ['DBGBCR3_EL1', 'PMC', 0x6n],
    ['DBGBCR3_EL1', 'BAS', 0x1e0n],
    ['DBGWCR15_EL1', 'LSC', 0x18n],
    ['DBGWCR15_EL1', 'BAS', 0x1fe0n],
    ['DBGWCR15_EL1', 'MASK', 0x1f00_0000n],
    ['OSLSR_EL1', 'OSLK', 0x2n],
    ['OSLSR_EL1', 'OSLM_1', 0x8n],
    ['CNTKCTL_EL1', 'EL0PCTEN', 0x1n],
    ['CNTKCTL_EL1', 'EL0VCTEN', 0x2n],
    ['CNTKCTL_EL1', 'EVNTEN', 0x4n],
    ['CNTKCTL_EL1', 'EVNTI', 0xf0n],
    ['CNTKCTL_EL1', 'EL0VTEN', 0x100n],
    ['CNTKCTL_EL1', 'EVNTIS', 0x2_0000n],
    ['CNTV_CTL_EL0', 'ISTATUS', 0x4n],
    ['PMCR_EL0', 'E', 0x1n],
    ['PMCR_EL0', 'LP', 0x80n],
    ['PMCR_EL0', 'N', 0xf800n],
    ['PMCNTENSET_EL0', 'C', 0x8000_0000n],
    ['PMINTENCLR_EL1', 'P5', 0x20n],
    ['PMEVTYPER30_EL0', 'evtCount', 0xffffn],
    ['PMEVTYPER30_EL0', 'NSH', 0x800_0000n],
    ['PMEVTYPER30_EL0', 'TH', 0xfff_0000_0000n],
    ['PMCCFILTR_EL0', 'P', 0x8000_0000n],
    ['PMUSERENR_EL0', 'ER', 0x8n],
    ['ICC_CTLR_EL1', 'EOImode', 0x2n],
    ['ICC_CTLR_EL1', 'PRIbits', 0x700n],
    ['ICC_CTLR_EL1', 'IDbits', 0x3800n],
    ['ICC_SGI1R_EL1', 'Aff3', 0xff_0000_0000_0000n],
    ['ICC_SGI1R_EL1', 'RS', 0xf000_0000_0000n],
    ['ICC_SGI1R_EL1', 'IRM', 0x100_0000_0000n],
    ['ICC_SGI1R_EL1', 'INTID', 0xf00_0000n],
    ['PMSIRR_EL1', 'INTERVAL', 0xffff_ff00n],
    ['PMBSR_EL1', 'EC', 0xfc00_0000n],
    ['PMBSR_EL1', 'DL', 0x8_0000n],
    ['MPAM1_EL1', 'PMG_D', 0xff00_0000_0000n],
    ['TRFCR_EL1', 'TS', 0x60n],
    ['TRCCONFIGR', 'CCI', 0x10n],
    ['TRCRSCTLR2', 'GROUP', 0xf_0000n],
    ['HCR_EL2', 'E2H', 0x4_0000_0000n],
    ['HCR_EL2', 'TGE', 0x800_0000n],
    ['HCR_EL2', 'RW', 0x8000_0000n],
    ['HCR_EL2', 'TID3', 0x4_0000n],
    ['HCR_EL2', 'BSU', 0xc00n],
    ['HCR_EL2', 'AMO', 0x20n],
    ['HCR_EL2', 'FWB', 0x4000_0000_0000n],
    ['HCR_EL2', 'TID5', 0x400_0000_0000_0000n],
    ['SCR_EL3', 'NS', 0x1n],
    ['SCR_EL3', 'SMD', 0x80n],
    ['SCR_EL3', 'RW', 0x400n],
    ['SCR_EL3', 'EEL2', 0x4_0000n],
    ['SCR_EL3', 'FGTEn', 0x800_0000n],
    ['SCR_EL3', 'HXEn', 0x40_0000_0000n],
    ['SCR_EL3', 'NSE', 0x4000_0000_0000_0000n],
    ['FPEXC32_EL2', 'EN', 0x4000_0000n],
    ['DACR32_EL2', 'D15', 0xc000_0000n],
    ['DBGVCR32_EL2', 'SU', 0x2n],
  ];
  it.each(rows)('%s.%s is where it belongs', (name, fieldName, expected) => {
    const field = register(name).fields.find((one) => one.name === fieldName);
    expect(field && mask(field.high, field.low)).toBe(expected);
  });

  it.each([
    ['DBG?VR*_EL1', 32],
    ['DBG?CR*_EL1', 32],
    ['PMEVCNTR*', 31],
    ['PMEVTYPER*', 31],
    ['ICC_*_EL1', 27],
    ['TRC*', 214],
    ['*_EL12,*_EL02', 28],
  ])('%s are %i', (glob, count) => {
    expect(registersByGlob(glob)).toHaveLength(count);
  });

  it('has one register for each direction of the debug data transfer', () => {
    const [receive, transmit] = [register('DBGDTRRX_EL0'), register('DBGDTRTX_EL0')];
    expect(transmit.number).toBe(receive.number);
    expect([receive.access, transmit.access]).toEqual(['RO', 'WO']);
    expect(register('S2_3_C0_C5_0')).toBe(receive);
  });

  it('decodes IFSR32_EL2 and PMBSR_EL1 by what they hold', () => {
    const names = (name: string, value: bigint) =>
      register(name)
        .variants?.find(({ matches }) => matches(value))
        ?.fields.map((one) => one.name);
    expect(names('IFSR32_EL2', 0x205n)).toContain('STATUS');
    expect(names('IFSR32_EL2', 0x405n)).toBeUndefined();
    expect(names('PMBSR_EL1', 0x1n)).toContain('BSC');
    expect(names('PMBSR_EL1', 0x9000_0007n)).toContain('FSC');
    expect(names('PMBSR_EL1', 0x9400_0007n)).toContain('FSC');
    expect(names('PMBSR_EL1', 0x7800_0000n)).toBeUndefined();
  });

  it('has fields for every register of EL0 and EL1', () => {
    const bare = registersByGlob('*').filter(
      ({ fields, readEl, group }) => readEl < 2 && !fields.length && group !== 'el3',
    );
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});
