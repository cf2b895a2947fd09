/** What `demo` prints while it waits: lines to paste. docs/CLIENTS.md has more on each. */
import { type Address, formatAddress } from '../../src/gdbstub/index.ts';
import { demoDirectory, demoFile } from './guest.ts';

export function invitation(address: Address): string {
  const place = formatAddress(address).replace(/^tcp:|^unix:/, '');
  const file = demoFile();
  const sources = demoDirectory();
  const lldbPlace = address.kind === 'unix' ? `unix-connect://${place}` : `connect://${place}`;
  const gdbtarget = {
    ...{ type: 'gdbtarget', request: 'attach', name: 'arm-gdbstub demo', program: file, gdb: 'gdb-multiarch' },
    initCommands: [`directory ${sources}`],
    target: address.kind === 'tcp' ? { host: address.host, port: String(address.port) } : { parameters: [place] },
  };
  const lldbDap = {
    ...{ type: 'lldb-dap', request: 'attach', name: 'arm-gdbstub demo (lldb)', program: file },
    sourceMap: [['.', sources]],
    // attachCommands do not wait for the connection, and lldb-dap 19 then often says that the process was unloaded.
    ...(address.kind === 'tcp'
      ? { 'gdb-remote-hostname': address.host, 'gdb-remote-port': address.port }
      : { attachCommands: [`process connect --plugin gdb-remote ${lldbPlace}`] }),
  };
  return `The demo guest is held at its first instruction. Paste one of these into another terminal:

  gdb-multiarch -q -ex 'directory ${sources}' -ex 'target remote ${place}' ${file}

  lldb -o 'settings set target.source-map . ${sources}' -o 'process connect --plugin gdb-remote ${lldbPlace}' ${file}

or one of these into "configurations" of VS Code's launch.json (extensions CDT GDB Debug Adapter, LLDB DAP):

  ${JSON.stringify(gdbtarget)}

  ${JSON.stringify(lldbDap)}

Then, in gdb:

  break one_round
  continue
  print *(unsigned long *) 0x80000000
  set $TTBR0_EL1 = (unsigned long) table_b      the window shows another page, at once
  set $VBAR_EL1 = (unsigned long) vectors_b     exceptions take other vectors: print last_vector
  set $sctlr_el1.WXN = 1                        the call in each round becomes an exception: print /x last_esr
  set $MIDR_EL1 = 0                             refused, with the reason
  monitor help

Waiting at ${place}; Ctrl-C ends it.`;
}
