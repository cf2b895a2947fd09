/** `npm run lab`: opens the lab by hand. */
import path from 'node:path';
import yargs from 'yargs';
import { kernelLines } from '../packages/packages.ts';
import { Lab } from './lab.ts';

const options = await yargs(process.argv.slice(2))
  .scriptName('npm run lab --')
  .usage('$0 [options] -- COMMAND\n\nRuns a command, or a shell, on an arm64 Linux with KVM, in QEMU.')
  .parserConfiguration({ 'populate--': true })
  .options({
    kernel: { type: 'string', choices: kernelLines, default: '6.12' as const, describe: 'Line of Linux' },
    gic: { choices: [2, 3] as const, default: 3 as const, describe: 'Version of the interrupt controller' },
    sve: { type: 'boolean', describe: 'The CPU has SVE; QEMU 7.2 then mixes up code that was written just before' },
    shell: { type: 'boolean', describe: 'A shell on this terminal (Ctrl-A X ends the machine)' },
    forward: { type: 'number', describe: 'This port of 127.0.0.1 leads to the same port in the lab' },
    lifetime: { type: 'number', default: 3600, describe: 'Seconds after which it ends' },
  })
  .example('$0 --kernel 6.1 -- arm-gdbstub demo --check', '')
  .example('$0 --forward 1234 -- arm-gdbstub run demo/demo.elf --backend kvm -S --gdb tcp:0.0.0.0:1234', '')
  .strictOptions()
  .parse();

const command = ((options['--'] ?? []) as string[]).map(quoted).join(' ');
if (!options.shell && command === '') throw new Error('a command is wanted, or --shell (--help tells more)');
const { kernel, gic, sve, shell, forward, lifetime } = options;
const compiled = path.join(import.meta.dirname, '../..');
const ports = forward === undefined ? {} : { [forward]: forward };
// What was started ends at the exit.
process.on('SIGTERM', () => process.exit(1));
if (!shell) process.on('SIGINT', () => process.exit(1));
const lab = await Lab.boot({ kernel, compiled, gic, sve, shell, lifetime, ports });
if (command !== '') {
  const { code } = await lab.run(command, (text) => process.stdout.write(text));
  process.exitCode = code < 0 ? 1 : code;
}
if (shell) await lab.ended;
else await lab.close();

function quoted(word: string): string {
  return /^[\w./:=@,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
