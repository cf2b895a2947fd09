/**
 * Every register that a vCPU lists is written with its complement, with zero, with all ones, with its own value, and
 * with each of its fields alone inverted; before the first run, and after. What it holds then is what the rules of
 * src/backend/kvm-rules.ts say of the kernel.
 */
import assert from 'node:assert/strict';
import { mask, registerByNumber } from '../../../src/arm/index.ts';
import {
  Errno,
  idGroup,
  idName,
  idSize,
  idToSystemRegisterNumber,
  kvmWriteRule,
  type Vcpu,
  writeByRule,
} from '../../../src/backend/index.ts';
import { type Bench, type Conformance, getAll, START, type Subject, setAll } from './subject.ts';

/** They count while nobody looks: what was written is found a little later. */
const counters: ReadonlySet<string> = new Set(['CNTVCT_EL0', 'CNTPCT_EL0']);
const AT_MOST_COUNTED = 1n << 36n;
/** ISTATUS: computed from the counter. */
const computed: Readonly<Record<string, bigint>> = { CNTV_CTL_EL0: 4n, CNTP_CTL_EL0: 4n };

interface Register {
  readonly id: bigint;
  readonly name: string;
  readonly bits: number;
  readonly number?: number;
}

const registersOf = ({ registerIds }: Vcpu): Register[] =>
  [...registerIds].map((id) => ({
    id,
    name: idName(id),
    bits: 8 * idSize(id),
    number: idToSystemRegisterNumber(id),
  }));

/** What is written, in this order. */
function valuesFor({ bits, number }: Register, initial: bigint): bigint[] {
  const all = (1n << BigInt(bits)) - 1n;
  const { fields = [] } = (number !== undefined && registerByNumber(number)) || {};
  const inverted = fields.map(({ high, low }) => initial ^ mask(high, low));
  return [initial ^ all, 0n, all, initial, ...inverted];
}

/** What the register holds after a write of `value`, or as a number the errno that refuses it. */
type Rule = (value: bigint, present: bigint) => bigint | number;

function ruleOf({ kernel, name }: Bench, register: Register, initial: bigint, hasRun: boolean): Rule {
  if (register.bits === 128) return (value) => value;
  const rule = kvmWriteRule(kernel, register.id);
  const keeps = name === 'simulator' && simulatorKeeps(register);
  return (value, present) => {
    if (keeps && value === present) return present;
    const held = writeByRule(rule, { value, present, initial, hasRun });
    return keeps && typeof held === 'bigint' ? Errno.EINVAL : held;
  };
}

/**
 * A difference: KVM lets the user of a vCPU hide features of the host and describe other caches. The simulated CPU has
 * its features and caches whatever its registers say, so these keep their value.
 */
const simulatorKeeps = ({ id, number }: Register): boolean =>
  number === undefined
    ? idGroup(id) === 'demux' || idGroup(id) === 'firmware-bitmap'
    : registerByNumber(number)?.constant === true;

/** How many there were of each kind. */
class Count {
  tried = 0;
  written = 0;
  refused = 0;
  masked = 0;

  add(errno: number, sticks: boolean): void {
    this.tried++;
    if (errno !== 0) this.refused++;
    else if (sticks) this.written++;
    else this.masked++;
  }

  toString(): string {
    const { tried, written, refused, masked } = this;
    return `${tried} writes: ${written} written, ${refused} refused, ${masked} masked`;
  }
}

const isSame = ({ name }: Register, held: bigint, wanted: bigint): boolean =>
  counters.has(name)
    ? BigInt.asUintN(64, held - wanted) < AT_MOST_COUNTED
    : ((held ^ wanted) & ~(computed[name] ?? 0n)) === 0n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

interface Trial {
  readonly register: Register;
  readonly initial: bigint;
  readonly values: readonly bigint[];
  readonly rule: Rule;
}

/** Writes registers with their values, in rounds: one value to each of them. What went otherwise than its rule says. */
function tryTogether({ vcpu }: Subject, trials: readonly Trial[], count: Count): string[] {
  const wrong: string[] = [];
  for (let round = 0; ; round++) {
    const left = trials.filter(({ values }) => round < values.length);
    if (left.length === 0) return wrong;
    const ids = left.map(({ register }) => register.id);
    const present = getAll(vcpu, ids);
    const errnos = setAll(
      vcpu,
      ids,
      left.map(({ values }) => values[round]),
    );
    const held = getAll(vcpu, ids);
    for (const [i, trial] of left.entries()) {
      count.add(errnos[i], isSame(trial.register, held[i], trial.values[round]));
      wrong.push(...judge(trial, trial.values[round], present[i], errnos[i], held[i]));
    }
  }
}

function judge({ register, rule }: Trial, value: bigint, present: bigint, errno: number, held: bigint): string[] {
  const wanted = rule(value, present);
  const right =
    typeof wanted === 'number'
      ? errno === wanted && isSame(register, held, present)
      : errno === 0 && isSame(register, held, wanted);
  if (right) return [];
  const should = typeof wanted === 'number' ? `errno ${wanted}` : hex(wanted);
  const { name } = register;
  return [`${name} ${hex(present)} <- ${hex(value)}: errno ${errno}, holds ${hex(held)}; the rule says ${should}`];
}

/** Shares its storage with another one. */
const isAlias = ({ number }: Register, aliases: ReadonlySet<string>): boolean => {
  const register = number === undefined ? undefined : registerByNumber(number);
  return register !== undefined && (register.aliasOf !== undefined || aliases.has(register.name));
};

/** `before` brings a vCPU that was reset to where the writes are to be tried. */
async function tryAll(subject: Subject, hasRun: boolean, before: () => Promise<void>): Promise<void> {
  const { bench, vcpu, report } = subject;
  const count = new Count();
  await before();
  const all = registersOf(vcpu);
  const trialsOf = (some: readonly Register[]): Trial[] => {
    const initial = getAll(
      vcpu,
      some.map(({ id }) => id),
    );
    return some.map((register, i) => ({
      register,
      initial: initial[i],
      values: valuesFor(register, initial[i]),
      rule: ruleOf(bench, register, initial[i], hasRun),
    }));
  };
  const aliases = new Set(
    all.flatMap(({ number }) => (number !== undefined && registerByNumber(number)?.aliasOf) || []),
  );
  const together = trialsOf(all.filter((register) => !isAlias(register, aliases)));
  const wrong = [...tryTogether(subject, together, count), ...restore(vcpu, together)];
  for (const register of all.filter((one) => isAlias(one, aliases))) {
    // Writes of some only set or clear bits: a reset brings them back.
    vcpu.reset();
    await before();
    wrong.push(...tryTogether(subject, trialsOf([register]), count));
  }
  report(`writes ${hasRun ? 'after' : 'before'} the first run, ${bench.name}: ${all.length} registers, ${count}`);
  if (wrong.length > 0) assert.fail(`${wrong.length} writes differ:\n${wrong.join('\n')}`);
}

/** Writes the first values; which registers do not hold them then. */
function restore(vcpu: Vcpu, trials: readonly Trial[]): string[] {
  const ids = trials.map(({ register }) => register.id);
  setAll(
    vcpu,
    ids,
    trials.map(({ initial }) => initial),
  );
  const held = getAll(vcpu, ids);
  const lost = trials.filter(({ register, initial }, i) => !isSame(register, held[i], initial));
  return lost.map(({ register, initial }) => `${register.name} does not come back to ${hex(initial)}`);
}

export const registers: readonly Conformance[] = [
  {
    name: 'writes of every register, before the first run',
    source: 'nop',
    run: (subject) => tryAll(subject, false, async () => undefined),
  },
  {
    name: 'writes of every register, after the first run',
    source: 'nop',
    run: (subject) =>
      tryAll(subject, true, async () => {
        subject.set('PC', START);
        await subject.step();
      }),
  },
];
