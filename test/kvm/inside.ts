/** The host's side of inside/agent.ts: a test inside the lab is run like a function. */
import net from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { assemble, type Program } from '../backend/assembled.ts';
import type { Case } from '../backend/case.ts';
import type { Answer, Request } from './inside/agent.ts';
import type { Job, Lab } from './lab.ts';

export const agentPort = 1001;

export class Inside {
  readonly #lab: Lab;
  #agent: { readonly job: Job; readonly socket: net.Socket; readonly lines: Interface } | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Runs one test in the agent's process, or in a new one when that has died. */
  async run(suite: string, { name, source }: Case): Promise<Answer> {
    const request: Request = { suite, name, program: source === undefined ? undefined : encoded(assemble(source)) };
    this.#agent ??= await this.#start();
    const { job, socket, lines } = this.#agent;
    socket.write(`${JSON.stringify(request)}\n`);
    const line = await nextLine(lines);
    if (line !== undefined) return JSON.parse(line) as Answer;
    this.#agent = undefined;
    const { code, output } = await job.finished;
    return { report: [], failure: `the process inside has ended with code ${code}:\n${output}` };
  }

  async #start() {
    const job = this.#lab.start(`exec node dist/test/kvm/inside/agent.js ${agentPort}`);
    await printed(job, 'listening\n');
    const socket = net.connect(this.#lab.port(agentPort), '127.0.0.1');
    socket.on('error', () => {});
    return { job, socket, lines: createInterface(socket) };
  }

  close(): void {
    this.#agent?.socket.destroy();
    this.#agent?.job.kill();
  }
}

/** undefined: the other side has gone. */
function nextLine(lines: Interface): Promise<string | undefined> {
  return new Promise((resolve) => {
    const come = (line?: string): void => {
      lines.off('line', come).off('close', gone);
      resolve(line);
    };
    const gone = (): void => come();
    lines.on('line', come).on('close', gone);
  });
}

const encoded = ({ elf, symbols }: Program): Request['program'] => ({
  elf: Buffer.from(elf).toString('base64'),
  symbols: Object.entries(symbols).map(([name, address]) => [name, address.toString(16)]),
});

/** Waits until a command has printed something; throws when it has ended without. */
export async function printed(job: Job, text: string | RegExp): Promise<void> {
  let ended = false;
  void job.finished.then(() => {
    ended = true;
  });
  const isThere = () => (typeof text === 'string' ? job.output.includes(text) : text.test(job.output));
  while (!isThere()) {
    if (ended) throw new Error(`it has ended without printing ${text}:\n${job.output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
