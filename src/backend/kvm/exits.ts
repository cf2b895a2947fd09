/** Why KVM_RUN came back, as an exit of the port. */
import { hex } from '../../arm/index.ts';
import { errnoText } from '../errors.ts';
import { Errno, type Exit } from '../vcpu.ts';
import { ExitReason, SystemEvent } from './constants.ts';
import type { RunPage } from './structures.ts';

const EFAULT = 14;
const ENOSYS = 38;

const advice: Readonly<Record<number, string>> = {
  [EFAULT]: 'the guest reached an address whose RAM the host could not provide',
  [ENOSYS]: 'the guest accessed a device by an instruction that KVM cannot decode (a pair, or one with writeback)',
  [Errno.ENOEXEC]: 'the vCPU was not initialised',
};

const systemEvents: Readonly<Record<number, Exit>> = {
  [SystemEvent.SHUTDOWN]: { kind: 'shutdown' },
  [SystemEvent.RESET]: { kind: 'reset' },
  [SystemEvent.CRASH]: { kind: 'crash' },
};

const failed = (reason: string): Exit => ({ kind: 'failed', reason });

/** KVM_RUN answered an errno. */
export function runFailed(errno: number): Exit {
  const told = advice[errno];
  return failed(`KVM_RUN: ${errnoText(errno)}${told ? `: ${told}` : ''}`);
}

/** What the page tells, of exits that no device answers. */
export function exitOf(page: RunPage): Exit {
  switch (page.exitReason) {
    case ExitReason.DEBUG:
      return { kind: 'debug', esr: page.debugEsr, far: page.debugFar };
    case ExitReason.INTR:
      return { kind: 'interrupted' };
    case ExitReason.SYSTEM_EVENT:
      return systemEvents[page.systemEvent] ?? failed(`the guest asked for the system event ${page.systemEvent}`);
    case ExitReason.FAIL_ENTRY:
      return failed(`the hardware refused to run the vCPU: reason ${hex(page.entryFailure)}`);
    case ExitReason.INTERNAL_ERROR:
      return failed(`KVM failed: internal error ${page.internalError}; the kernel's log tells more`);
    case ExitReason.MEMORY_FAULT:
      return failed('the guest reached memory that the host could not provide');
    default:
      return failed(`KVM_RUN ended for the reason ${page.exitReason}, which is not known here`);
  }
}
