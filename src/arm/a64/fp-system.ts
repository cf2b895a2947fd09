/** FPCR and FPSR: any exception level reads and writes them where CPACR_EL1 allows SIMD and floating point. */
import { a64 } from './definition.ts';

const registers = [
  // AHP, DN, FZ and RMode; Stride and Len are kept for AArch32. Exceptions are not trapped: their enables are RAZ/WI.
  { name: 'FPCR', op2: '000', encoding: 0xda20, kept: 0x07f7_0000n },
  // The flags of AArch32, QC, IDC, IXC, UFC, OFC, DZC and IOC.
  { name: 'FPSR', op2: '001', encoding: 0xda21, kept: 0xf800_009fn },
] as const;

export const fpSystem = registers.flatMap(({ name, op2, encoding, kept }) => {
  const offset = () => 8 * encoding;
  return [
    a64(
      `MSR (${name})`,
      `110101010001101101000100${op2} Rt:5`,
      { simd: true, registers: { Rt: 'source' }, immediates: { offset } },
      (b, { Rt, offset: place }) => b.writeSystem(place, b.binary('and', 64, b.readX(64, Rt), b.constant(64, kept))),
    ),
    a64(
      `MRS (${name})`,
      `110101010011101101000100${op2} Rt:5`,
      { simd: true, registers: { Rt: 'target' }, immediates: { offset } },
      (b, { Rt, offset: place }) => b.writeX(64, Rt, b.readSystem(place)),
    ),
  ];
});
