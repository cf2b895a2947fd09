/** Debian's U-Boot for QEMU's virt board, on the simulator and on QEMU, with somebody at its prompt. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Guest, type PeripheralChoice, SimulatorMachine, type Snapshot } from '../../src/backend/index.ts';
import { TargetError } from '../../src/gdbstub/index.ts';

const folder = '/usr/lib/u-boot/qemu_arm64';
/** Package u-boot-qemu. */
export const uBoot = `${folder}/u-boot.bin`;
export const uBootStripped = `${folder}/uboot.elf`;

const prompt = '=> ';
const ramSize = 128 << 20;

export const machineWithUBoot = (choice: PeripheralChoice = {}): SimulatorMachine =>
  new SimulatorMachine({
    ramSize,
    image: { kind: 'firmware', segments: [], entry: 0n },
    firmware: readFileSync(uBoot),
    rtc: 1_000_000_000,
    seed: '',
    ...choice,
  });

/** Types a key to stop the automatic boot, and a command at each prompt. What came out after each of them. */
class Conversation {
  readonly #commands: readonly string[];
  readonly answers: string[] = [];
  #text = '';
  #interrupted: boolean = false;

  constructor(commands: readonly string[]) {
    this.#commands = commands;
  }

  /** What is to be typed now. */
  heard(text: string): string {
    this.#text += text;
    if (!this.#interrupted && this.#text.includes('Hit any key')) {
      this.#interrupted = true;
      return ' ';
    }
    if (!this.#text.endsWith(prompt)) return '';
    this.answers.push(this.#text.slice(0, -prompt.length).replaceAll('\r', ''));
    this.#text = '';
    return `${this.#commands[this.answers.length - 1] ?? 'poweroff'}\n`;
  }

  get isOver(): boolean {
    return this.answers.length > this.#commands.length;
  }

  end(): string[] {
    this.answers.push(this.#text.replaceAll('\r', ''));
    return this.answers;
  }
}

export interface Start {
  /** In place of power-on: a machine that stood at the prompt. */
  readonly from?: Snapshot;
  /** Ends at the prompt, without powering off. */
  readonly stays?: boolean;
}

/** Until it powers off: what it said before the first prompt, and to each command. */
export async function onSimulator(
  commands: readonly string[],
  choice: PeripheralChoice = {},
  { from, stays = false }: Start = {},
) {
  const conversation = new Conversation(commands);
  const machine = machineWithUBoot({
    ...choice,
    serial: (bytes) => {
      const typed = conversation.heard(Buffer.from(bytes).toString('latin1'));
      if (stays && conversation.isOver) machine.vcpus[0].kick();
      else if (typed !== '') machine.receive(Buffer.from(typed));
    },
  });
  if (from) {
    const restored = new Guest(machine).state.restore(from);
    if (restored instanceof TargetError) throw new Error(restored.message);
    machine.receive(Buffer.from('\n'));
  }
  const timeout = setTimeout(() => machine.vcpus[0].kick(), 50_000);
  const exit = await machine.vcpus[0].run();
  clearTimeout(timeout);
  const answers = conversation.end();
  if (exit.kind !== (stays ? 'interrupted' : 'shutdown'))
    throw new Error(`U-Boot ended with ${exit.kind} after:\n${answers.join(prompt).slice(-2000)}`);
  if (!stays) machine.close();
  return { answers, machine };
}

const qemuOptions = [
  ...['-M', 'virt', '-cpu', 'cortex-a57', '-m', `${ramSize >> 20}`, '-nodefaults', '-display', 'none'],
  ...['-global', 'virtio-mmio.force-legacy=false', '-serial', 'stdio', '-bios', uBoot],
];

/** Types into QEMU what the conversation wants. */
function converse(conversation: Conversation, options: readonly string[]): ChildProcess {
  const qemu = spawn('qemu-system-aarch64', [...qemuOptions, ...options], { timeout: 50_000 });
  qemu.stdout.on('data', (bytes: Buffer) => {
    const typed = conversation.heard(bytes.toString('latin1'));
    if (typed !== '') qemu.stdin.write(typed);
  });
  return qemu;
}

/** The same on QEMU, with a device tree from a file. */
export async function onQemu(commands: readonly string[], tree: string): Promise<string[]> {
  const conversation = new Conversation(commands);
  const entropy = ['-device', 'virtio-rng-device,bus=virtio-mmio-bus.0'];
  const qemu = converse(conversation, [...entropy, '-rtc', 'base=2001-09-09T01:46:40', '-dtb', tree]);
  const code = await new Promise((resolve) => qemu.on('close', resolve));
  const answers = conversation.end();
  if (code !== 0) throw new Error(`QEMU ended with ${code} after:\n${answers.join(prompt).slice(-2000)}`);
  return answers;
}

/** On QEMU again and again, with a network card at a socket, until it is ended. */
export const repeatedOnQemu = (command: string, socket: string): ChildProcess =>
  converse(new Conversation(new Array<string>(1000).fill(command)), [
    ...['-netdev', `stream,id=wire,server=off,addr.type=unix,addr.path=${socket}`],
    ...['-device', 'virtio-net-device,netdev=wire,mac=52:54:00:00:00:77'],
  ]);
