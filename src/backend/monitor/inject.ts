/** `monitor inject`: exceptions that the guest gets when it goes on, or has got already. */
import { currentEl, Esr, FaultStatus, hex } from '../../arm/index.ts';
import type { Result } from '../../gdbstub/index.ts';
import type { ExecutionCpu } from '../cpu-execution.ts';
import { errnoText, refuse } from '../errors.ts';
import { injectException } from '../hand-back.ts';
import { stopScope } from '../register-table.ts';
import { type Command, parseNumber } from './command.ts';

const END = 1n << 64n;
/** The syndrome of SError: ESR_ELx.ISS. */
const ISS_END = 1n << 25n;
/** The address of an external abort is not known: ESR_ELx.FnV. */
const FNV = 1 << 10;
/** The lowest level of a walk. */
const LEVEL_3 = 3;

const elOf = ({ sync }: ExecutionCpu): number => {
  sync.ensure(stopScope);
  return currentEl(Number(sync.state.pstate & 0xffff_ffffn));
};

/** Marked pending, for the machine to deliver where the guest allows it. */
function serror({ sync }: ExecutionCpu, esr: bigint | undefined): Result<string> {
  const errno = sync.vcpu.setEvents({
    serrorPending: true,
    serrorHasEsr: esr !== undefined,
    serrorEsr: esr ?? 0n,
    extDabtPending: false,
  });
  sync.invalidate();
  return errno === 0
    ? 'SError is pending: the guest takes it when PSTATE.A is clear\n'
    : refuse('INJECTION_REFUSED', 'SError', errnoText(errno));
}

/**
 * By editing registers. KVM would take an external abort as an event only right after an access to a device, and a
 * stopped CPU has no such access open.
 */
function take(cpu: ExecutionCpu, what: string, esr: number, far?: bigint): Result<string> {
  const failures = injectException(cpu, esr, far);
  if (failures.length > 0) return refuse('INJECTION_FAILED', what, failures[0].name, failures[0].reason);
  cpu.sync.ensure(stopScope);
  return `${what}: ESR_EL1 ${hex(BigInt(esr))}, the pc is the vector ${hex(cpu.sync.state.pc)}\n`;
}

const sea = (cpu: ExecutionCpu, address: bigint | undefined): Result<string> =>
  take(
    cpu,
    'synchronous external abort',
    Esr.dataAbort(elOf(cpu), FaultStatus.external | (address === undefined ? FNV : 0), false),
    address,
  );

function abort(cpu: ExecutionCpu, address: bigint, access: string, status: number): Result<string> {
  const el = elOf(cpu);
  return access === 'fetch'
    ? take(cpu, 'instruction abort', Esr.instructionAbort(el, status), address)
    : take(cpu, 'data abort', Esr.dataAbort(el, status, access === 'write'), address);
}

/** A number below `end`; undefined for anything else. */
function numberBelow(text: string, end: bigint): bigint | undefined {
  const value = parseNumber(text);
  return value !== undefined && value < end ? value : undefined;
}

const accesses: readonly string[] = ['read', 'write', 'fetch'];

/** By the first word: the rest of the words, or undefined where they are none of its forms. */
const kinds: Readonly<Record<string, (cpu: ExecutionCpu, words: readonly string[]) => Result<string> | undefined>> = {
  serror(cpu, [text, ...rest]) {
    const esr = text === undefined ? undefined : numberBelow(text, ISS_END);
    return rest.length > 0 || (text !== undefined && esr === undefined) ? undefined : serror(cpu, esr);
  },
  sea(cpu, [text, ...rest]) {
    const address = text === undefined ? undefined : numberBelow(text, END);
    return rest.length > 0 || (text !== undefined && address === undefined) ? undefined : sea(cpu, address);
  },
  abort(cpu, [text = '', access = 'read', code, ...rest]) {
    const address = numberBelow(text, END);
    const status = code === undefined ? BigInt(FaultStatus.translation | LEVEL_3) : numberBelow(code, 64n);
    if (address === undefined || status === undefined || !accesses.includes(access) || rest.length > 0)
      return undefined;
    return abort(cpu, address, access, Number(status));
  },
  brk(cpu, [text = '0', ...rest]) {
    const comment = numberBelow(text, 1n << 16n);
    return comment === undefined || rest.length > 0 ? undefined : take(cpu, 'BRK', Esr.brk(Number(comment)));
  },
  undefined(cpu, words) {
    return words.length > 0 ? undefined : take(cpu, 'undefined instruction', Esr.unknown());
  },
};

export const inject: Command = {
  name: 'inject',
  usage: [
    'inject serror [ISS]',
    'inject sea [ADDRESS]',
    'inject abort ADDRESS [read|write|fetch] [STATUS]',
    'inject brk [COMMENT]',
    'inject undefined',
  ],
  summary: 'Give the guest an exception',
  details: [
    'serror becomes pending, with a syndrome where the machine takes one. The others are taken at once, at the pc.',
    'sea: a synchronous external abort; without an address FAR_EL1 is marked as not valid.',
    'STATUS is DFSC or IFSC: 7, a translation fault at level 3, if it is left out.',
    'gdb keeps its own copy of registers: maint flush register-cache afterwards.',
  ],
  run({ cpu }, argument) {
    const [kind, ...words] = argument.split(/\s+/);
    return Object.hasOwn(kinds, kind) ? kinds[kind](cpu, words) : undefined;
  },
};
