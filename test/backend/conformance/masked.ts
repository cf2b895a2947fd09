/**
 * A guest whose own breakpoints and watchpoints are set while PSTATE.D masks them. With KVM_GUESTDBG_ENABLE the kernel routes
 * debug exceptions to the debugger, and what is routed to a higher level is not masked: the debugger must not give them to the guest.
 */
import assert from 'node:assert/strict';
import { recorder, Session, setDebug, setVectors } from './guest.ts';
import type { Conformance } from './subject.ts';

export const masked: readonly Conformance[] = [
  {
    name: "the guest's own breakpoints and watchpoints are not taken where it masks them",
    source: `${setVectors} ${setDebug}
      mov x24, #0
      adr x2, watched
      own_breakpoint: nop
      own_watch: str x24, [x2]
      ldr x3, [x2]
      done: b done
      .balign 8
      watched: .quad 5
      ${recorder}`,
    run: async (subject) => {
      const session = new Session(subject);
      await session.until(subject.symbols.done);
      assert.equal(session.values('x24', 'x3'), 'x24 0, x3 0');
    },
  },
];
