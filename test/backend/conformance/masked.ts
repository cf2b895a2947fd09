/**
 * A guest whose own breakpoints and watchpoints are set while PSTATE.D masks them. With KVM_GUESTDBG_ENABLE the kernel routes
 * debug exceptions to the debugger, and what is routed to a higher level is not masked: the debugger must not give them to the guest.
 */
import assert from 'node:assert/strict';
import { recorder, Session, setVectors } from './guest.ts';
import type { Conformance } from './subject.ts';

const setDebug = `
  msr oslar_el1, xzr
  mov x1, #0xa000
  msr mdscr_el1, x1
  adr x1, own_breakpoint
  msr dbgbvr0_el1, x1
  mov x1, #0x1e7
  msr dbgbcr0_el1, x1
  adr x1, watched
  msr dbgwvr0_el1, x1
  mov x1, #0x1ff7
  msr dbgwcr0_el1, x1
  isb
`;

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
