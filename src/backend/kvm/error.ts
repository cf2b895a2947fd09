/** What KVM refuses while a machine is made: a sentence with the call, the reason, and what to do. */
import { errnoText } from '../errors.ts';

export class KvmError extends Error {
  /** Of Linux; 0 where no call failed. */
  readonly errno: number;
  constructor(message: string, errno = 0) {
    super(message);
    this.name = 'KvmError';
    this.errno = errno;
  }
}

/** What to do about an errno of a call. */
export type Advice = Readonly<Record<number, string>>;

/** Throws what a call of the addon has answered if that is a negative errno. */
export function checked<T>(answer: T | number, call: string, advice: Advice = {}): T | number {
  if (typeof answer !== 'number' || answer >= 0) return answer;
  const errno = -answer;
  const told = advice[errno];
  throw new KvmError(`${call}: ${errnoText(errno)}${told ? `; ${told}` : ''}`, errno);
}

/** Likewise, of a call that makes something. */
export function made<T extends object>(answer: T | number, call: string, advice?: Advice): T {
  const value = checked(answer, call, advice);
  if (typeof value === 'number') throw new KvmError(`${call} answered ${value}`);
  return value;
}
