/** `monitor` commands that OpenOCD's users type: reset, halt, resume; and info. */
import { hex, modeName } from '../../arm/index.ts';
import type { ExecutionCpu } from '../execution.ts';
import { stopScope } from '../register-table.ts';
import type { Machine } from '../vcpu.ts';
import type { Command, MonitorGuest } from './command.ts';

/** KVM_MP_STATE_STOPPED. */
const MP_STATE_STOPPED = 5;

function place({ sync }: ExecutionCpu): string {
  sync.ensure(stopScope);
  const { pc, pstate } = sync.state;
  return `cpu${sync.vcpu.index} ${modeName(Number(pstate & 0xffff_ffffn))} pc ${hex(pc, 16)}`;
}

export const halted = ({ cpus }: MonitorGuest): string => cpus.map((cpu) => `halted: ${place(cpu)}\n`).join('');

export const reset: Command = {
  name: 'reset',
  usage: ['reset [halt]', 'reset run'],
  summary: 'Put the machine back to its start',
  details: ['It stays halted there, as the debugger believes it is, unless told to run: see resume.'],
  run({ guest }, argument) {
    if (!/^(halt|run)?$/.test(argument)) return undefined;
    const refused = guest.reset();
    if (refused) return refused;
    if (argument !== 'run') return `reset; ${halted(guest)}`;
    return guest.execution.resumeInBackground() ?? 'reset; the guest runs\n';
  },
};

export const halt: Command = {
  name: 'halt',
  usage: ['halt'],
  summary: 'Stop a guest that runs because of resume',
  whileRunning: true,
  run({ guest }, argument) {
    if (argument !== '') return undefined;
    guest.execution.haltBackground();
    return halted(guest);
  },
};

export const resume: Command = {
  name: 'resume',
  usage: ['resume'],
  summary: 'Let the guest run while the debugger waits at its prompt',
  details: [
    'Until halt, continue or step, registers and memory cannot be seen.',
    'The debugger does not know: what it shows is from before.',
  ],
  run({ guest }, argument) {
    if (argument !== '') return undefined;
    return guest.execution.resumeInBackground() ?? 'the guest runs: monitor halt stops it\n';
  },
};

/** Registers that did not pass between the machine and the CPU state unchanged. */
function unsynchronised({ sync }: ExecutionCpu): string[] {
  sync.ensure(sync.all);
  const names = sync.list.cpregs.flatMap(({ name }, i) => (sync.list.synchronised[i] === 'no' ? [name] : []));
  return [`  registers: ${sync.all.core.length} core, ${sync.list.cpregs.length} listed`].concat(
    names.length > 0 ? [`  not synchronised: ${names.join(' ')}`] : [],
  );
}

const grouped = (count: number): string => Math.round(count).toLocaleString('en');
const seconds = (time: number): string => `${time.toFixed(1)} s`;

/** How much was done, and how fast. */
function usageLines({ usage }: Machine): string[] {
  if (!usage) return [];
  const { instructions, running, asleep, guestTime } = usage;
  const all = instructions.reduce((sum, count) => sum + count, 0);
  const busy = running - asleep;
  const speed = busy > 0.01 ? `, ${grouped(all / busy / 1e6)} million a second` : '';
  return [
    `${grouped(all)} instructions in ${seconds(busy)}${speed}; all CPUs waited for ${seconds(asleep)}; ` +
      `${seconds(guestTime)} of the guest's time`,
  ];
}

/** Of one CPU. */
function activity({ usage, vcpus }: Machine, index: number): string {
  const isOff = vcpus[index].getMpState?.() === MP_STATE_STOPPED;
  const state = isOff ? ', off' : usage?.waiting[index] ? ', waits' : '';
  return usage ? `${state}, ${grouped(usage.instructions[index])} instructions` : state;
}

export const info: Command = {
  name: 'info',
  usage: ['info'],
  summary: 'Show the machine, its CPUs and the breakpoints',
  run({ guest }, argument) {
    if (argument !== '') return undefined;
    const { machine, cpus, breakpoints, registers } = guest;
    const ram = machine.memory.ranges.map(({ start, length }) => `${hex(start)}..${hex(start + length - 1n)}`);
    const lines = [
      `${machine.name}${machine.cpu ? `, ${machine.cpu}` : ''}: RAM ${ram.join(' ')}; writes ${registers.policy}`,
      ...usageLines(machine),
      ...cpus.flatMap((cpu, index) => [
        `${place(cpu)}${activity(machine, index)}`,
        `  MMU ${cpu.translation.regime().enabled ? 'on' : 'off'}`,
        ...unsynchronised(cpu),
      ]),
      ...[...breakpoints.software].map(
        (address) => `breakpoint ${hex(address)}${breakpoints.isStandIn(address) ? ', by a hardware one' : ''}`,
      ),
      ...[...breakpoints.hardware].map((address) => `hardware breakpoint ${hex(address)}`),
      ...[...breakpoints.watchpoints].map(
        ({ kind, address, length, slots }) =>
          `watchpoint ${hex(address)} ${length} bytes, ${kind}, ${slots.length} of ${machine.hardwareWatchpoints} slots`,
      ),
    ];
    return `${lines.join('\n')}\n`;
  },
};
