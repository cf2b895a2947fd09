/**
 * Every sentence that a machine refuses with: one catalogue, with a stable code each. docs/ERRORS.md explains them, and
 * a test holds the two together.
 */
import { hex } from '../arm/index.ts';
import { TargetError } from '../gdbstub/index.ts';
import { Errno } from './vcpu.ts';

/** A refusal with a code that programs and documents can rely on; the sentence may change. */
export class Refusal extends TargetError {
  readonly code: RefusalCode;
  constructor(code: RefusalCode, message: string, errno: number) {
    super(message, errno);
    this.code = code;
  }
}

const errnoWords: Readonly<Record<number, string>> = {
  [Errno.EPERM]: 'EPERM, not permitted',
  [Errno.ENOENT]: 'ENOENT, this CPU does not have it',
  [Errno.EINTR]: 'EINTR, interrupted',
  [Errno.E2BIG]: 'E2BIG, too large',
  [Errno.ENOEXEC]: 'ENOEXEC, the CPU is not initialised',
  [Errno.EBUSY]: 'EBUSY, it cannot change once the CPU has run',
  [Errno.EINVAL]: 'EINVAL, invalid value',
  [Errno.ENOSPC]: 'ENOSPC, no room',
  // Those of KVM's other calls.
  6: 'ENXIO, no such device or address',
  11: 'EAGAIN, try again',
  12: 'ENOMEM, no memory',
  13: 'EACCES, permission denied',
  14: 'EFAULT, bad address',
  17: 'EEXIST, it is there already',
  19: 'ENODEV, no such device',
  24: 'EMFILE, too many open files',
  25: 'ENOTTY, not known to this kernel',
  38: 'ENOSYS, not implemented',
};

/** `EINVAL, invalid value`. */
export const errnoText = (errno: number): string => errnoWords[errno] ?? `errno ${errno}`;

const EFAULT = 14;
const ERANGE = 34;
const ESRCH = 3;
const EIO = 5;

/** The sentences. Each key is the code; numbers are told in hexadecimal. */
const sentences = {
  CPU_UNKNOWN: [ESRCH, (thread: number) => `there is no CPU ${thread}`],
  GUEST_RUNNING: [Errno.EBUSY, () => 'the guest is running: monitor halt stops it'],

  REGISTER_UNKNOWN: [Errno.ENOENT, (number: number) => `there is no register with the number ${hex(number)}`],
  REGISTER_UNREADABLE: [EIO, (name: string, why: string) => `${name} cannot be read: ${why}`],
  VALUE_TOO_WIDE: [
    ERANGE,
    (name: string, value: bigint, bits: number) => `${name}: ${hex(value)} does not fit into its ${bits} bits`,
  ],
  REGISTER_CONSTANT: [
    Errno.EPERM,
    (name: string, why: string, held: bigint) =>
      `${name} is read-only: it identifies the CPU and keeps its value (${why}); it holds ${hex(held)}`,
  ],
  REGISTER_READ_ONLY: [
    Errno.EPERM,
    (name: string, why: string, held: bigint) => `${name} is read-only (${why}); it holds ${hex(held)}`,
  ],
  VALUE_REFUSED: [
    Errno.EINVAL,
    (name: string, value: bigint, by: string, why: string, held: bigint) =>
      `${name}: the ${by} refused ${hex(value)} (${why}); it still holds ${hex(held)}`,
  ],
  BITS_RES0: [
    Errno.EINVAL,
    (name: string, bits: bigint, held: bigint) =>
      `${name}: bits ${hex(bits)} are RES0 here and did not stick; it still holds ${hex(held)}`,
  ],
  BITS_ACT: [
    Errno.EINVAL,
    (name: string, bits: bigint, held: bigint) =>
      `${name}: bits ${hex(bits)} act when the guest writes them and are not kept; it still holds ${hex(held)}`,
  ],
  BITS_READ_ONLY: [
    Errno.EINVAL,
    (name: string, bits: bigint, held: bigint) =>
      `${name}: bits ${hex(bits)} are read-only; it still holds ${hex(held)}`,
  ],
  BITS_LOST: [
    Errno.EINVAL,
    (name: string, bits: bigint, held: bigint) =>
      `${name}: bits ${hex(bits)} did not stick on this CPU; it still holds ${hex(held)}`,
  ],
  NOT_SYNCHRONISED: [
    Errno.EINVAL,
    (name: string, why: string, held: bigint) =>
      `${name} was not carried to the machine: ${why}; it still holds ${hex(held)}`,
  ],
  NOT_RESTORED: [
    EIO,
    (name: string, value: bigint, old: bigint, held: string) =>
      `${name}: ${hex(value)} did not stick and the old value ${hex(old)} could not be put back; it now holds ${held}`,
  ],

  MEMORY_UNMAPPED: [EFAULT, (address: bigint) => `nothing is mapped at ${hex(address)}`],
  MEMORY_NOT_RAM: [
    EFAULT,
    (address: bigint, physical: bigint) =>
      `${hex(address)} is physical address ${hex(physical)}, which holds no RAM: a debugger does not touch devices`,
  ],
  MEMORY_WRAPS: [EFAULT, (address: bigint) => `the range from ${hex(address)} goes beyond the last address`],

  BREAKPOINT_KIND: [Errno.EINVAL, (length: number) => `an A64 breakpoint has the length 4, not ${length}`],
  BREAKPOINT_ALIGNMENT: [Errno.EINVAL, (address: bigint) => `${hex(address)} is not the address of an A64 instruction`],
  BREAKPOINTS_FULL: [Errno.ENOSPC, (count: number) => `all ${count} hardware breakpoints are in use`],
  WATCHPOINT_LENGTH: [Errno.EINVAL, (length: number) => `a range of ${length} bytes cannot be watched`],
  WATCHPOINTS_FULL: [
    Errno.ENOSPC,
    (needed: number, free: number, count: number) =>
      `this range takes ${needed} hardware watchpoint${needed === 1 ? '' : 's'}, and ${free} of ${count} are free`,
  ],

  INJECTION_REFUSED: [
    Errno.EINVAL,
    (what: string, why: string) => `${what} could not be injected: the machine refused it (${why})`,
  ],
  INJECTION_FAILED: [
    EIO,
    (what: string, name: string, why: string) => `${what} could not be injected: ${name} was not written (${why})`,
  ],

  SNAPSHOT_UNKNOWN: [
    Errno.ENOENT,
    (name: string) =>
      `there is no snapshot ${name}: monitor snapshot list shows them (a file has a / or a . in its name)`,
  ],
  SNAPSHOTS_FULL: [
    Errno.ENOSPC,
    (count: number, bytes: number) =>
      `there is room for ${count} snapshots and ${Math.floor(bytes / 2 ** 20)} MiB together: save it to a file, or delete one`,
  ],
  SNAPSHOT_FILE: [EIO, (file: string, why: string) => `${file} ${why}`],
  SNAPSHOT_MACHINE: [Errno.EINVAL, (why: string) => `the snapshot does not fit this machine: ${why}`],
  SNAPSHOT_DEVICE: [Errno.EINVAL, (name: string, why: string) => `the state of the ${name}: ${why}`],
  SNAPSHOT_REGISTERS: [Errno.EINVAL, (registers: string) => `these registers stand in the way: ${registers}`],
  SNAPSHOT_NOT_UNDONE: [
    EIO,
    (what: string) => `the snapshot was refused and the old state could not be put back in full: ${what}`,
  ],

  COMMAND_UNKNOWN: [
    Errno.EINVAL,
    (word: string, near: string | undefined) =>
      `there is no command ${word}${near ? `; did you mean ${near}?` : '; monitor help lists all'}`,
  ],
  COMMAND_ARGUMENTS: [Errno.EINVAL, (usage: string) => `usage: monitor ${usage}`],
  SYSREG_UNKNOWN: [
    Errno.ENOENT,
    (name: string, near: string | undefined) =>
      `there is no system register ${name}${near ? `; did you mean ${near}?` : ''}`,
  ],
  SYSREG_ABSENT: [
    Errno.ENOENT,
    (name: string, feature: string | undefined) =>
      feature ? `${name} needs ${feature}, which this CPU does not show` : `${name} is not offered by this machine`,
  ],
  FIELD_UNKNOWN: [
    Errno.ENOENT,
    (register: string, field: string, near: string | undefined) =>
      `${register} has no field ${field}${near ? `; did you mean ${near}?` : ''}`,
  ],
  FIELD_TOO_WIDE: [
    ERANGE,
    (register: string, field: string, value: bigint, width: number) =>
      `${register}.${field}: ${hex(value)} does not fit into ${width} bit${width === 1 ? '' : 's'}`,
  ],
  VALUE_SYNTAX: [Errno.EINVAL, (text: string) => `${text} is no number: write 42 or 0x2a`],
} as const satisfies Record<string, readonly [errno: number, sentence: (...parts: never[]) => string]>;

export type RefusalCode = keyof typeof sentences;

/** All codes with their errnos, for the documents. */
export const refusalCodes: ReadonlyMap<RefusalCode, number> = new Map(
  Object.entries(sentences).map(([code, [errno]]) => [code as RefusalCode, errno]),
);

/** The refusal of a code, its sentence made of the parts. */
export function refuse<Code extends RefusalCode>(
  code: Code,
  ...parts: Parameters<(typeof sentences)[Code][1]>
): Refusal {
  const [errno, sentence] = sentences[code];
  return new Refusal(code, (sentence as (...words: unknown[]) => string)(...parts), errno);
}
