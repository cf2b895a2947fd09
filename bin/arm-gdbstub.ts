#!/usr/bin/env node
/** The command line: one file a command in commands/. */
import yargs, { type Argv } from 'yargs';
import { demo, demoOptions } from './commands/demo.ts';
import { doctor } from './commands/doctor.ts';
import { explain } from './commands/explain.ts';
import { registers, registersOptions } from './commands/registers.ts';
import { run, runOptions } from './commands/run.ts';
import { complain, ExitCode, say, UserError } from './message.ts';
import { checkFlags, endOptions, joinRepeated } from './options.ts';
import { packageVersion } from './package.ts';
import { unknownArguments } from './unknown.ts';

const definitions = { ...runOptions, ...demoOptions, ...registersOptions };
const options = ['help', 'version', ...Object.keys(definitions)];

const asksForHelp = (args: readonly string[]): boolean => args.some((word) => /^(-h|--help|help)$/.test(word));

/** yargs composes the help of a command whether anybody asks or not: without options it is short. */
function withoutHelp(parser: Argv): Argv {
  for (const name of options) parser.hide(name);
  return parser.wrap(null);
}

const commandLine = (args: readonly string[]) =>
  (asksForHelp(args) ? yargs(args).wrap(Math.min(100, process.stderr.columns || 100)) : withoutHelp(yargs(args)))
    .scriptName('arm-gdbstub')
    .usage(
      '$0 COMMAND\n\nA GDB remote stub for Arm guests in which a system register that the debugger writes is really written.',
    )
    .command(run)
    .command(demo)
    .command(registers)
    .command(explain)
    .command(doctor)
    .demandCommand(1, 1, 'a command is missing', 'one command at a time')
    .strict()
    .recommendCommands()
    .version(packageVersion())
    .alias('help', 'h')
    .locale('en')
    .parserConfiguration({
      'parse-positional-numbers': false,
      'duplicate-arguments-array': false,
      // QEMU writes -kernel and means --kernel.
      'short-option-groups': false,
    })
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      // A YError is yargs' own, of the command line; any other comes from a handler.
      if (error && error.name !== 'YError') throw error;
      throw new UserError(unknownArguments(message, args, options) ?? message);
    });

async function main(words: readonly string[]): Promise<number> {
  const args = endOptions(words);
  try {
    checkFlags(args, definitions);
    await commandLine(joinRepeated(args, 'drive')).parseAsync();
    return Number(process.exitCode ?? ExitCode.done);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    complain(error.message);
    if (error.exitCode === ExitCode.usage) say('arm-gdbstub --help, and arm-gdbstub COMMAND --help, tell more.');
    return error.exitCode;
  }
}

// A reader that has seen enough (`| head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  complain(`cannot write to standard output: ${error.message}`);
  process.exit(ExitCode.failed);
});

const exitCode = await main(process.argv.slice(2));
// Not by process.exitCode: a guest that was told to end may still be running. What was written is read first, but one
// who told the command to end does not wait for a reader that has stalled.
// A debugger at standard output may have ended it.
if (process.stdout.writableEnded) process.exit(exitCode);
process.stdout.write('', () => setImmediate(() => process.exit(exitCode)));
if (exitCode >= ExitCode.timeout) setTimeout(() => process.exit(exitCode), 2000);
