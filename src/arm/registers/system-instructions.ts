/**
 * Names of the system instructions that SYS encodes: cache and TLB maintenance, address translation, prediction
 * restriction. Arm ARM DDI 0487, C5.4 to C5.6 and "System instruction class encoding" (C5.1).
 */
import { type Encoding, encodingNumber, encodingOf } from './register.ts';

export interface SystemInstruction {
  /** As assemblers write it: `TLBI VAE1IS`, `DC ZVA`. */
  readonly name: string;
  /** op0 is 1. */
  readonly encoding: Encoding;
  /** encodingNumber(encoding): bits 20..5 of the instruction. */
  readonly number: number;
  /** Whether Xt is an operand; otherwise Rt is 31. */
  readonly hasRegister: boolean;
  /** The lowest exception level that may execute it, traps aside. */
  readonly el: 0 | 1 | 2 | 3;
  /** Present only with this feature; absent: Armv8.0. */
  readonly feature?: string;
}

/** op1, CRn, CRm, and the operations for op2 = 0, 1 ...; `-` where there is none. */
type Row = readonly [op1: number, CRn: number, CRm: number, kind: 'AT' | 'DC' | 'IC' | 'TLBI' | 'RCTX', names: string];

const rows: readonly Row[] = [
  [0, 7, 1, 'IC', 'IALLUIS'],
  [0, 7, 5, 'IC', 'IALLU'],
  [3, 7, 5, 'IC', '- IVAU'],

  [0, 7, 6, 'DC', '- IVAC ISW IGVAC IGSW IGDVAC IGDSW'],
  [0, 7, 10, 'DC', '- - CSW - CGSW - CGDSW'],
  [0, 7, 14, 'DC', '- - CISW - CIGSW - CIGDSW'],
  [3, 7, 4, 'DC', '- ZVA - GVA GZVA'],
  [3, 7, 10, 'DC', '- CVAC - CGVAC - CGDVAC'],
  [3, 7, 11, 'DC', '- CVAU'],
  [3, 7, 12, 'DC', '- CVAP - CGVAP - CGDVAP'],
  [3, 7, 13, 'DC', '- CVADP - CGVADP - CGDVADP'],
  [3, 7, 14, 'DC', '- CIVAC - CIGVAC - CIGDVAC'],
  [6, 7, 14, 'DC', '- CIPAPA - - - CIGDPAPA'],

  [0, 7, 8, 'AT', 'S1E1R S1E1W S1E0R S1E0W'],
  [0, 7, 9, 'AT', 'S1E1RP S1E1WP'],
  [4, 7, 8, 'AT', 'S1E2R S1E2W - - S12E1R S12E1W S12E0R S12E0W'],
  [6, 7, 8, 'AT', 'S1E3R S1E3W'],

  [3, 7, 3, 'RCTX', '- - - - CFP DVP - CPP'],

  [0, 8, 1, 'TLBI', 'VMALLE1OS VAE1OS ASIDE1OS VAAE1OS - VALE1OS - VAALE1OS'],
  [0, 8, 2, 'TLBI', '- RVAE1IS - RVAAE1IS - RVALE1IS - RVAALE1IS'],
  [0, 8, 3, 'TLBI', 'VMALLE1IS VAE1IS ASIDE1IS VAAE1IS - VALE1IS - VAALE1IS'],
  [0, 8, 5, 'TLBI', '- RVAE1OS - RVAAE1OS - RVALE1OS - RVAALE1OS'],
  [0, 8, 6, 'TLBI', '- RVAE1 - RVAAE1 - RVALE1 - RVAALE1'],
  [0, 8, 7, 'TLBI', 'VMALLE1 VAE1 ASIDE1 VAAE1 - VALE1 - VAALE1'],
  [4, 8, 0, 'TLBI', '- IPAS2E1IS RIPAS2E1IS - - IPAS2LE1IS RIPAS2LE1IS'],
  [4, 8, 1, 'TLBI', 'ALLE2OS VAE2OS - - ALLE1OS VALE2OS VMALLS12E1OS'],
  [4, 8, 2, 'TLBI', '- RVAE2IS - - - RVALE2IS'],
  [4, 8, 3, 'TLBI', 'ALLE2IS VAE2IS - - ALLE1IS VALE2IS VMALLS12E1IS'],
  [4, 8, 4, 'TLBI', 'IPAS2E1OS IPAS2E1 RIPAS2E1 RIPAS2E1OS IPAS2LE1OS IPAS2LE1 RIPAS2LE1 RIPAS2LE1OS'],
  [4, 8, 5, 'TLBI', '- RVAE2OS - - - RVALE2OS'],
  [4, 8, 6, 'TLBI', '- RVAE2 - - - RVALE2'],
  [4, 8, 7, 'TLBI', 'ALLE2 VAE2 - - ALLE1 VALE2 VMALLS12E1'],
  [6, 8, 1, 'TLBI', 'ALLE3OS VAE3OS - - PAALLOS VALE3OS'],
  [6, 8, 2, 'TLBI', '- RVAE3IS - - - RVALE3IS'],
  [6, 8, 3, 'TLBI', 'ALLE3IS VAE3IS - - - VALE3IS'],
  [6, 8, 4, 'TLBI', '- - - RPAOS - - - RPALOS'],
  [6, 8, 5, 'TLBI', '- RVAE3OS - - - RVALE3OS'],
  [6, 8, 6, 'TLBI', '- RVAE3 - - - RVALE3'],
  [6, 8, 7, 'TLBI', 'ALLE3 VAE3 - - PAALL VALE3'],
];

/** The first that matches tells the feature. */
const features: readonly [pattern: RegExp, feature: string][] = [
  [/^TLBI R?PA/, 'FEAT_RME'],
  [/^DC CI(GD)?PAPA/, 'FEAT_RME'],
  [/^TLBI R/, 'FEAT_TLBIRANGE'],
  [/^TLBI .*OS$/, 'FEAT_TLBIOS'],
  [/^DC .*G/, 'FEAT_MTE'],
  [/^DC CVADP/, 'FEAT_DPB2'],
  [/^DC CVAP/, 'FEAT_DPB'],
  [/^AT .*P$/, 'FEAT_PAN2'],
  [/ RCTX$/, 'FEAT_SPECRES'],
];
const withoutRegister = /^(IC IALLU|TLBI (VMALL|ALLE|PAALL))/;
const elOfOp1 = { 0: 1, 3: 0, 4: 2, 6: 3 } as const;

const instruction = (name: string, encoding: Encoding): SystemInstruction => ({
  name,
  encoding,
  number: encodingNumber(encoding),
  hasRegister: !withoutRegister.test(name),
  el: elOfOp1[encoding[1] as keyof typeof elOfOp1],
  feature: features.find(([pattern]) => pattern.test(name))?.[1],
});

export const systemInstructions: readonly SystemInstruction[] = rows
  .flatMap(([op1, CRn, CRm, kind, names]) =>
    names.split(' ').flatMap((name, op2) => {
      if (name === '-') return [];
      return [instruction(kind === 'RCTX' ? `${name} RCTX` : `${kind} ${name}`, [1, op1, CRn, CRm, op2])];
    }),
  )
  .sort((a, b) => a.number - b.number);

const byNumber = new Map(systemInstructions.map((found) => [found.number, found]));
const byName = new Map(systemInstructions.map((found) => [found.name, found]));

export const systemInstructionByNumber = (number: number): SystemInstruction | undefined => byNumber.get(number);

/** By the assembler's name, in any case. */
export const systemInstructionByName = (name: string): SystemInstruction | undefined => byName.get(name.toUpperCase());

/** `TLBI VAE1`, or `SYS #3, C7, C15, #1` where the number has no other name. */
export function systemInstructionName(number: number): string {
  const [, op1, CRn, CRm, op2] = encodingOf(number);
  return byNumber.get(number)?.name ?? `SYS #${op1}, C${CRn}, C${CRm}, #${op2}`;
}
