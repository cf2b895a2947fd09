/** NaNs in operations. Arm ARM DDI 0487, J1 "FPProcessNaN", "FPProcessNaNs". */
import { type Format, Fpcr, type FpState, Fpsr, fpDefaultNaN, type Unpacked } from './format.ts';

/** FPProcessNaN(): what an operation makes of a NaN. */
export function processNaN(f: Format, { type }: Unpacked, op: bigint, fp: FpState): bigint {
  if (type === 'signaling') fp.fpsr |= Fpsr.IOC;
  return fp.fpcr & Fpcr.DN ? fpDefaultNaN(f) : op | f.quietBit;
}

/** FPProcessNaNs(): the result if an operand is a NaN: the first signaling one, else the first quiet one. */
export function processNaNs(
  f: Format,
  operands: readonly (readonly [Unpacked, bigint])[],
  fp: FpState,
): bigint | undefined {
  for (const type of ['signaling', 'quiet'])
    for (const [unpacked, op] of operands) if (unpacked.type === type) return processNaN(f, unpacked, op, fp);
  return undefined;
}

/** The default NaN, of an operation that has no result. */
export function invalid(f: Format, fp: FpState): bigint {
  fp.fpsr |= Fpsr.IOC;
  return fpDefaultNaN(f);
}
