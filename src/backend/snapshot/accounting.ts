/** The registers of a snapshot against those of a CPU: every id of both lists is accounted for. */
import { idGroup } from '../kvm-ids.ts';
import { hiddenRegisters, safeWithout } from './register-rules.ts';

export interface Accounting {
  /** The snapshot has them and the CPU does not: they stand in the way. */
  readonly unknown: readonly bigint[];
  /** Likewise, but nothing is lost with them. */
  readonly leftOut: readonly { readonly id: bigint; readonly reason: string }[];
  /** The CPU has them and the snapshot does not: they keep their reset values. */
  readonly missing: readonly bigint[];
  /** Likewise, but no CPU is without them: they stand in the way. */
  readonly incomplete: readonly bigint[];
}

/**
 * The ids that only one of two ascending lists has. It ends where both have ended: what sorts behind the last id of one
 * list is found in the other.
 */
export function compareIndexes(
  ours: ArrayLike<bigint>,
  theirs: ArrayLike<bigint>,
): { readonly onlyOurs: bigint[]; readonly onlyTheirs: bigint[] } {
  const onlyOurs: bigint[] = [];
  const onlyTheirs: bigint[] = [];
  for (let i = 0, j = 0; i < ours.length || j < theirs.length; ) {
    if (j >= theirs.length || ours[i] < theirs[j]) onlyOurs.push(ours[i++]);
    else if (i >= ours.length || theirs[j] < ours[i]) onlyTheirs.push(theirs[j++]);
    else {
      i++;
      j++;
    }
  }
  return { onlyOurs, onlyTheirs };
}

/** Core and SVE registers are what a CPU is made of. */
const isIndispensable = (id: bigint): boolean => idGroup(id) === 'core' || idGroup(id) === 'sve';

export function account(registerIds: BigUint64Array, incoming: ReadonlyMap<bigint, bigint>): Accounting {
  const { onlyOurs, onlyTheirs } = compareIndexes(registerIds, [...incoming.keys()]);
  const read = (id: bigint): bigint | undefined => incoming.get(id);
  const leftOut: { id: bigint; reason: string }[] = [];
  const unknown = onlyTheirs.filter((id) => {
    if (hiddenRegisters.has(id)) return false;
    const reason = safeWithout(id, read);
    if (reason !== undefined) leftOut.push({ id, reason });
    return reason === undefined;
  });
  const missing = onlyOurs.filter((id) => !hiddenRegisters.has(id));
  return {
    unknown,
    leftOut,
    missing: missing.filter((id) => !isIndispensable(id)),
    incomplete: missing.filter(isIndispensable),
  };
}

/** The number that tells members of a family apart. */
const numbered = /^(.*\[|\D*)(\d+)(.*)$/;

/** `X0..30` in place of names that are numbered one by one. */
export function shortened(names: readonly string[]): string[] {
  const short: string[] = [];
  for (let i = 0; i < names.length; ) {
    const [, head, first, tail] = numbered.exec(names[i]) ?? [];
    let next = i + 1;
    while (head !== undefined && names[next] === `${head}${Number(first) + next - i}${tail}`) next++;
    if (next - i > 2) short.push(`${head}${first}..${Number(first) + next - i - 1}${tail}`);
    else short.push(...names.slice(i, next));
    i = next;
  }
  return short;
}
