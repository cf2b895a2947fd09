/** The catalogue of AArch64 system registers. Arm ARM DDI 0487, D19. */
import { catalogue, genericNumber, globMatcher, nearestName } from './catalogue.ts';
import { encodingOf, genericName, type SystemRegister } from './register.ts';
import { registerGroups } from './system/index.ts';

const all = catalogue(registerGroups);

/** Every known register, one for each number and sorted by it. */
export const systemRegisters: readonly SystemRegister[] = all.registers;

/** The same, and DBGDTRTX_EL0, which MSR writes with the number of DBGDTRRX_EL0. */
export const namedRegisters: readonly SystemRegister[] = all.named;

export const registerByNumber: (number: number) => SystemRegister | undefined = all.byNumber;

/** The manual's name, or S3_0_C1_C0_0 for a number that has none. */
export const registerName = (number: number): string => all.byNumber(number)?.name ?? genericName(encodingOf(number));

/**
 * Finds `SCTLR_EL1`, `sctlr_el1` or `s3_0_c1_c0_0`. Where there is no such register, the answer has a near name, if any:
 * test with `'number' in answer`.
 */
export const findRegister = (name: string): SystemRegister | { readonly suggestion?: string } =>
  all.byName(name) ??
  (genericNumber(name) === undefined
    ? {
        suggestion: nearestName(
          name,
          systemRegisters.map((register) => register.name),
        ),
      }
    : {});

/** Registers whose names match a list of patterns, as `SCTLR_*,TTBR?_EL1`; sorted by number. */
export function registersByGlob(glob: string): SystemRegister[] {
  const matches = globMatcher(glob);
  return systemRegisters.filter(({ name }) => matches(name));
}

/** The registers that people edit most, in the order in which a debugger shows them. */
export const commonRegisters: readonly SystemRegister[] = [
  'SCTLR_EL1',
  'CPACR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'MAIR_EL1',
  'CONTEXTIDR_EL1',
  'VBAR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'ELR_EL1',
  'SPSR_EL1',
  'SP_EL0',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'PAR_EL1',
  'MDSCR_EL1',
].map((name) => {
  const register = all.byName(name);
  if (!register) throw new Error(`the common register ${name} is not in the catalogue`);
  return register;
});
