/** Debian's kernels on the simulator, with somebody at the shell of their busybox. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ImageError, parseImage, RAM_BASE, SimulatorMachine, type SimulatorOptions } from '../../src/backend/index.ts';
import { fetchParts, type KernelLine, kernelFile, networkModules } from '../packages/packages.ts';
import { type Contents, guestInitramfs } from './initramfs.ts';

/** The prompt, and what busybox asks the terminal behind it: where is the cursor? */
const question = 'guest# \x1b[6n';
export const ramSize = 512 << 20;
/** Milliseconds until a guest that says nothing is given up. */
const PATIENCE = 150_000;

/** What the shell answers to one command after the other; `exit` when there are no more. */
export class Shell {
  readonly answers: string[] = [];
  readonly #commands: readonly string[];
  #text = '';

  constructor(commands: readonly string[]) {
    this.#commands = commands;
  }

  /** What is to be typed now. */
  heard(text: string): string {
    this.#text += text;
    if (!this.#text.endsWith(question)) return '';
    this.#answered(this.#text.slice(0, -question.length));
    return `${this.#commands[this.answers.length - 1] ?? 'exit'}\n`;
  }

  /** The last answer is what came behind the last command. */
  end(): readonly string[] {
    this.#answered(this.#text);
    return this.answers;
  }

  #answered(text: string): void {
    this.answers.push(text.replaceAll('\r', ''));
    this.#text = '';
  }
}

/** A kernel and its RAM disk, with the modules of a network in it if nothing else is told. */
export function linuxFiles(
  line: KernelLine,
  contents: Contents = {},
): { readonly kernel: string; readonly initramfs: Buffer } {
  const parts = fetchParts(line);
  return { kernel: kernelFile(parts), initramfs: guestInitramfs(parts, { modules: networkModules, ...contents }) };
}

export interface LinuxRun {
  /** What came before the first prompt, and to each command. */
  readonly answers: readonly string[];
  readonly instructions: number;
  /** Of all RAM at the end. */
  readonly ram: string;
}

export interface Choice extends Partial<SimulatorOptions> {
  /** Behind the console, on the kernel's command line. */
  readonly append?: string;
  readonly contents?: Contents;
}

/** Until it powers off. */
export async function runLinux(
  line: KernelLine,
  commands: readonly string[],
  { append = 'quiet', contents, ...choice }: Choice = {},
): Promise<LinuxRun> {
  const { kernel, initramfs } = linuxFiles(line, contents);
  const image = parseImage(readFileSync(kernel), { start: BigInt(RAM_BASE), length: BigInt(ramSize) });
  if (image instanceof ImageError) throw new Error(image.message);
  const shell = new Shell(commands);
  const machine = new SimulatorMachine({
    ramSize,
    image,
    initrd: initramfs,
    commandLine: `console=ttyAMA0 ${append}`,
    rtc: 1_000_000_000,
    seed: '',
    ...choice,
    serial: (bytes) => {
      const typed = shell.heard(Buffer.from(bytes).toString('latin1'));
      if (typed !== '') machine.receive(Buffer.from(typed));
    },
  });
  const timeout = setTimeout(() => machine.vcpus[0].kick(), PATIENCE);
  try {
    const exits = await Promise.race(machine.vcpus.map((vcpu) => vcpu.run()));
    const answers = shell.end();
    if (exits.kind !== 'shutdown')
      throw new Error(`Linux ended with ${exits.kind} after:\n${answers.join('').slice(-3000)}`);
    const ram = createHash('sha256')
      .update(machine.memory.view(BigInt(RAM_BASE), ramSize)!)
      .digest('hex');
    return { answers, instructions: machine.usage.instructions.reduce((sum, count) => sum + count), ram };
  } finally {
    clearTimeout(timeout);
    machine.close();
  }
}
