/** A checked collection of register definitions and the ways to find one. */
import { encodingNumber, type SystemRegister } from './register.ts';

export interface Catalogue {
  /** One for each number, sorted by it. */
  readonly registers: readonly SystemRegister[];
  /** One for each name: also those that only MSR reaches, by a number that MRS reads another register with. */
  readonly named: readonly SystemRegister[];
  byNumber(number: number): SystemRegister | undefined;
  /** By the manual's name or the generic one (S3_0_C1_C0_0), in any case. */
  byName(name: string): SystemRegister | undefined;
}

const byNumber = (a: SystemRegister, b: SystemRegister): number => a.number - b.number;

/** Joins groups. Throws when a name or a number comes twice, or an alias names nothing. */
export function catalogue(groups: readonly (readonly SystemRegister[])[]): Catalogue {
  const numbers = new Map<number, SystemRegister>();
  const names = new Map<string, SystemRegister>();
  for (const register of groups.flat()) {
    const { name, number } = register;
    const twin = numbers.get(number) ?? names.get(name.toUpperCase());
    // MRS may read one register and MSR write another by one number (DBGDTRRX_EL0, DBGDTRTX_EL0): it stands for the first.
    const otherDirection = twin?.access === 'RO' && register.access === 'WO' && twin.name !== name;
    if (twin && !otherDirection) throw new Error(`${name} and ${twin.name} have the same name or number`);
    if (!twin) numbers.set(number, register);
    names.set(name.toUpperCase(), register);
  }
  for (const { name, aliasOf } of numbers.values())
    if (aliasOf && !names.has(aliasOf.toUpperCase())) throw new Error(`${name} is an alias of the unknown ${aliasOf}`);
  return {
    registers: [...numbers.values()].sort(byNumber),
    named: [...names.values()].sort(byNumber),
    byNumber: (number) => numbers.get(number),
    byName: (name) => names.get(name.toUpperCase()) ?? numbers.get(genericNumber(name) ?? -1),
  };
}

/** The number that S3_0_C1_C0_0 spells, in any case; undefined when it is no such name or a part is out of range. */
export function genericNumber(name: string): number | undefined {
  const parts = /^S([0-3])_([0-7])_C(\d{1,2})_C(\d{1,2})_([0-7])$/i.exec(name)?.slice(1).map(Number);
  if (!parts) return undefined;
  const [op0, op1, CRn, CRm, op2] = parts;
  return CRn > 15 || CRm > 15 ? undefined : encodingNumber([op0, op1, CRn, CRm, op2]);
}

/** A test for names: `*` and `?` as in a shell, several patterns between commas, in any case. */
export function globMatcher(glob: string): (name: string) => boolean {
  const patterns = glob
    .split(',')
    .map((part) => part.trim().toUpperCase())
    .filter(Boolean);
  const plain = new Set(patterns);
  const wild = patterns.filter((pattern) => /[*?]/.test(pattern));
  return (name) => {
    const upper = name.toUpperCase();
    return plain.has(upper) || wild.some((pattern) => globMatches(pattern, upper));
  };
}

/** Never tries more than length × length steps, whatever the pattern. */
function globMatches(pattern: string, name: string): boolean {
  let [p, n, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = n;
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** The name that was probably meant: a slip of one to three letters, or a name told without its end. Never a generic one. */
export function nearestName(wanted: string, names: Iterable<string>): string | undefined {
  const word = wanted.toUpperCase().slice(0, 40);
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.floor(word.length / 3)) + 1;
  let longer: string | undefined;
  for (const name of names) {
    if (genericNumber(name) !== undefined) continue;
    const upper = name.toUpperCase();
    if (word.length >= 3 && !longer && upper.startsWith(`${word}_`)) longer = name;
    const distance = editDistance(word, upper);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return longer ?? best;
}

/** Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, previous[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}
