/** `monitor`: one line in, text out. The commands are a table, and the help is made from it. */
import { nearestName } from '../../arm/index.ts';
import type { Monitor, Result } from '../../gdbstub/index.ts';
import { refuse } from '../errors.ts';
import type { Command, MonitorGuest } from './command.ts';
import { inject } from './inject.ts';
import { halt, info, reset, resume } from './machine.ts';
import { phys, translate } from './memory.ts';
import { snapshot } from './snapshot.ts';
import { step } from './step.ts';
import { sysreg } from './sysreg.ts';
import { writes } from './writes.ts';

const help: Command = {
  name: 'help',
  usage: ['help [COMMAND]'],
  summary: 'Explain the commands',
  whileRunning: true,
  run(_context, argument) {
    if (argument === '') return overview();
    const command = find(argument);
    return command ? explain(command) : unknown(argument);
  },
};

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  help,
  sysreg,
  writes,
  info,
  translate,
  phys,
  inject,
  snapshot,
  reset,
  step,
  halt,
  resume,
];

const find = (name: string): Command | undefined => commands.find((command) => command.name === name.toLowerCase());

const unknown = (name: string) =>
  refuse(
    'COMMAND_UNKNOWN',
    name.slice(0, 40),
    nearestName(
      name,
      commands.map((command) => command.name),
    ),
  );

function overview(): string {
  const width = Math.max(...commands.flatMap(({ usage }) => usage.map((form) => form.length)));
  const lines = commands.flatMap(({ usage, summary }) => [`${usage[0].padEnd(width)}  ${summary}`, ...usage.slice(1)]);
  return `${lines.join('\n')}\n\nhelp COMMAND tells more.\n`;
}

const explain = ({ usage, summary, details = [] }: Command): string =>
  [...usage, `  ${summary}.`, ...details.map((line) => `  ${line}`), ''].join('\n');

export class GuestMonitor implements Monitor {
  readonly #guest: MonitorGuest;

  constructor(guest: MonitorGuest) {
    this.#guest = guest;
  }

  run(line: string, thread: number): Result<string> {
    const text = line.trim();
    const name = /^\S*/.exec(text)![0];
    const command = name === '' ? help : find(name);
    if (!command) return unknown(name);
    const cpu = this.#guest.cpus[thread - 1];
    if (!cpu) return refuse('CPU_UNKNOWN', thread);
    const unavailable = command.whileRunning ? undefined : this.#guest.execution.unavailable();
    if (unavailable) return unavailable;
    const result = command.run({ guest: this.#guest, cpu }, text.slice(name.length).trim());
    return result ?? refuse('COMMAND_ARGUMENTS', command.usage.join(' | '));
  }
}
