/** `doctor`: what this host offers, and which machine `--backend auto` takes. */
import { release } from 'node:os';
import type { CommandModule } from 'yargs';
import { inspectKvm, type KvmReport } from '../../src/backend/index.ts';
import { chooseBackend } from '../machine.ts';
import { packageVersion } from '../package.ts';

export const doctor: CommandModule = {
  command: 'doctor',
  describe: 'Tell whether guests can run on KVM here, and if not, why',
  handler: () => {
    process.stdout.write(`${[...host(), ...kvm(inspectKvm()), ...choice()].join('\n')}\n`);
  },
};

const row = (name: string, value: string | number): string => `${name.padEnd(32)} ${value}`;

const host = (): string[] => [
  row('arm-gdbstub', packageVersion()),
  row('Node.js', process.version),
  row('host', `${process.platform} ${release()} on ${process.arch}`),
];

const yes = (value: boolean): string => (value ? 'yes' : 'no');

const kvm = ({ addon, device, capabilities, obstacle }: KvmReport): string[] => [
  row('the addon is loaded', yes(addon)),
  row('/dev/kvm is open', yes(device)),
  ...capabilities.map(({ name, value }) => row(name, value)),
  row('KVM', obstacle ?? 'can be used'),
];

const choice = (): string[] => [row('--backend auto takes', chooseBackend().backend)];
