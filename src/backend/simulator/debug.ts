/**
 * Breakpoints, watchpoints and single steps of a simulated CPU: the guest's own by its debug registers, and the
 * debugger's as KVM_SET_GUEST_DEBUG gives them, which take the place of the guest's.
 *
 * Arm ARM DDI 0487, D2 "AArch64 Self-hosted Debug"; Linux Documentation/virt/kvm/api.rst, KVM_SET_GUEST_DEBUG.
 */
import { Pstate } from '../../arm/index.ts';
import type { DebugSlot, GuestDebug } from '../vcpu.ts';
import type { Core } from './core.ts';
import { numberOf } from './state.ts';

export const BREAKPOINTS = 6;
export const WATCHPOINTS = 4;
/** The breakpoints from here on match contexts too: ID_AA64DFR0_EL1.CTX_CMPs is 0. */
const FIRST_CONTEXT_BREAKPOINT = BREAKPOINTS - 1;

const MDSCR_EL1 = numberOf('MDSCR_EL1');
const OSLSR_EL1 = numberOf('OSLSR_EL1');
const CONTEXTIDR_EL1 = numberOf('CONTEXTIDR_EL1');
const numbers = (family: string, count: number) =>
  Array.from({ length: count }, (_, n) => numberOf(`${family}${n}_EL1`));
const DBGBVR = numbers('DBGBVR', BREAKPOINTS);
const DBGBCR = numbers('DBGBCR', BREAKPOINTS);
const DBGWVR = numbers('DBGWVR', WATCHPOINTS);
const DBGWCR = numbers('DBGWCR', WATCHPOINTS);

const Mdscr = { SS: 1, KDE: 1 << 13, MDE: 1 << 15 } as const;
const OSLK = 1 << 1;

const field = (control: number, high: number, low: number): number => (control >>> low) & (2 ** (high - low + 1) - 1);

const trailingZeros = (word: number): number => 31 - Math.clz32(word & -word);

/** Virtual addresses have 53 significant bits in the value registers. */
const signExtended = (value: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(53, value));

/** A breakpoint or watchpoint that is enabled. */
interface Matcher {
  readonly control: number;
  /** The first address. */
  readonly address: bigint;
  readonly low: number;
  readonly high: number;
  /** In bytes. */
  readonly length: number;
}

const matcher = (control: number, address: bigint, length: number): Matcher => ({
  control,
  address,
  low: Number(address & 0xffffffffn),
  high: Number(address >> 32n),
  length,
});

/** An address breakpoint; undefined where it can match nothing. */
function breakpoint({ control, value }: DebugSlot): Matcher | undefined {
  const bits = Number(control & 0xffffffffn);
  const isAddress = field(bits, 23, 21) === 0;
  if (!(bits & 1) || !isAddress || field(bits, 8, 5) === 0) return undefined;
  return matcher(bits, signExtended(value & ~3n), 4);
}

/** The bytes that a watchpoint watches: those of BAS from its lowest bit on, or 2^MASK. */
function watchpoint({ control, value }: DebugSlot): Matcher | undefined {
  const bits = Number(control & 0xffffffffn);
  const bas = field(bits, 12, 5);
  const log2 = field(bits, 28, 24);
  if (!(bits & 1) || bas === 0 || log2 === 1 || log2 === 2) return undefined;
  if (log2) return matcher(bits, signExtended((value >> BigInt(log2)) << BigInt(log2)), 2 ** log2);
  const first = trailingZeros(bas);
  return matcher(bits, signExtended((value & ~3n) + BigInt(first)), trailingZeros(~(bas >> first)));
}

export class Debug {
  private readonly core: Core;
  private settings: GuestDebug | undefined;
  private breakpoints: readonly Matcher[] = [];
  private watchpoints: readonly Matcher[] = [];
  /** The address that the last watched access touched. */
  watchedAddress = 0n;

  constructor(core: Core) {
    this.core = core;
  }

  /** Every debug exception stops the machine. */
  get exits(): boolean {
    return this.settings !== undefined;
  }

  get singleStep(): boolean {
    return this.settings?.singleStep === true;
  }

  /** The addresses to stop at, whatever the exception level. */
  get breakpointAddresses(): bigint[] {
    return this.breakpoints.map(({ address }) => address);
  }

  set(settings: GuestDebug): void {
    this.settings = settings.enable ? settings : undefined;
    this.changed();
  }

  /** The debug registers, MDSCR_EL1 or the OS lock have changed. */
  changed(): void {
    const [breakpoints, watchpoints] = this.slots();
    const hadAny = this.breakpoints.length + this.watchpoints.length > 0;
    this.breakpoints = breakpoints.map(breakpoint).filter((matched) => matched !== undefined);
    this.watchpoints = watchpoints.map(watchpoint).filter((matched) => matched !== undefined);
    if (!hadAny && this.breakpoints.length + this.watchpoints.length === 0) return;
    this.core.engine.setBreakpoints(this.breakpointAddresses);
    this.core.engine.watchpointsChanged();
  }

  /** The slots in force: the debugger's, else the guest's if it has them on. */
  private slots(): readonly [readonly DebugSlot[], readonly DebugSlot[]] {
    const { core, settings } = this;
    if (settings?.useHardware) return [settings.breakpoints, settings.watchpoints];
    if (this.isLocked || !(core.systemLow(MDSCR_EL1) & Mdscr.MDE)) return [[], []];
    const slot = (control: number, value: number): DebugSlot => ({
      control: core.readSystem(control),
      value: core.readSystem(value),
    });
    return [DBGBCR.map((control, n) => slot(control, DBGBVR[n])), DBGWCR.map((control, n) => slot(control, DBGWVR[n]))];
  }

  private get isLocked(): boolean {
    return (this.core.systemLow(OSLSR_EL1) & OSLK) !== 0;
  }

  /** GenerateDebugExceptionsFrom(): whether debug exceptions but BRK are taken to EL1 from this state. */
  enabledFrom(pstate: number): boolean {
    if (this.isLocked) return false;
    return (pstate & Pstate.M) === 0 || (!(pstate & Pstate.D) && (this.core.systemLow(MDSCR_EL1) & Mdscr.KDE) !== 0);
  }

  /** Whether the slots in force may match: the debugger's always, the guest's where it lets them. */
  private get enabled(): boolean {
    return this.settings?.useHardware === true || this.enabledFrom(this.core.pstate);
  }

  /** PMC or PAC, HMC, SSC and the link, for an access at an exception level. */
  private matches({ control }: Matcher, el: number, link: boolean): boolean {
    if (field(control, 15, 14) === 2) return false;
    if (!(field(control, 2, 1) & (el === 0 ? 2 : 1))) return false;
    return !link || this.contextMatches(field(control, 19, 16));
  }

  /** A linked breakpoint, which compares the context. */
  private contextMatches(number: number): boolean {
    if (number < FIRST_CONTEXT_BREAKPOINT || number >= BREAKPOINTS) return false;
    const control = this.core.systemLow(DBGBCR[number]);
    if (!(control & 1) || field(control, 23, 20) !== 3) return false;
    return this.core.systemLow(DBGBVR[number]) === this.core.systemLow(CONTEXTIDR_EL1);
  }

  /** Whether a breakpoint exception is due at pc. */
  breaksAt(pc: bigint): boolean {
    const { el } = this.core;
    return (
      this.enabled &&
      this.breakpoints.some((one) => one.address === pc && this.matches(one, el, field(one.control, 20, 20) === 1))
    );
  }

  /** Whether a data access is watched; `watchedAddress` is its first watched byte. */
  watches(vaLow: number, vaHigh: number, bytes: number, write: boolean, unprivileged: boolean): boolean {
    if (!this.enabled) return false;
    const el = unprivileged ? 0 : this.core.el;
    const high = this.core.withoutTag(vaHigh);
    for (const one of this.watchpoints) {
      const distance = distanceFrom(one, vaLow, high);
      if (distance >= one.length || distance + bytes <= 0) continue;
      if (!(field(one.control, 4, 3) & (write ? 2 : 1))) continue;
      if (!this.matches(one, el, field(one.control, 20, 20) === 1)) continue;
      this.watchedAddress = one.address + BigInt(Math.max(distance, 0));
      return true;
    }
    return false;
  }

  /** Whether the 4 KiB page of an address holds watched bytes. */
  watchesPage(vaLow: number, vaHigh: number): boolean {
    const high = this.core.withoutTag(vaHigh);
    return this.watchpoints.some((one) => {
      const distance = distanceFrom(one, vaLow & ~0xfff, high);
      return distance < one.length && distance + 0x1000 > 0;
    });
  }

  /** The guest's own software step: MDSCR_EL1.SS, where debug exceptions are enabled. The debugger's takes its place. */
  get softwareStep(): boolean {
    return (this.core.systemLow(MDSCR_EL1) & Mdscr.SS) !== 0 && !this.exits && this.enabledFrom(this.core.pstate);
  }

  /** DebugExceptionReturnSS(): PSTATE.SS after an exception return with `spsr` to a state with `mode`. */
  stepAfterReturn(spsr: number, mode: number): boolean {
    if (!(this.core.systemLow(MDSCR_EL1) & Mdscr.SS) || !(spsr & Pstate.SS)) return false;
    return !this.enabledFrom(this.core.pstate) && this.enabledFrom(mode | (spsr & Pstate.D));
  }
}

/** Bytes from a matcher's first address to an address; exact where it matters. */
const distanceFrom = ({ low, high }: Matcher, vaLow: number, vaHigh: number): number =>
  ((vaHigh >>> 0) - high) * 2 ** 32 + ((vaLow >>> 0) - low);
