/**
 * A debug adapter as an editor drives it: one process, the Debug Adapter Protocol over its standard input and output.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

interface Message {
  readonly seq: number;
  readonly type: 'request' | 'response' | 'event';
  readonly command?: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies differ by request, and the tests check what they use.
  readonly body?: any;
}

/** Milliseconds that any one answer may take on a slow machine. */
const patience = 20_000;

export class DebugAdapter {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #events: Message[] = [];
  readonly #waiting: {
    readonly wants: (message: Message) => boolean;
    readonly take: (message: Message) => void;
    readonly fail: () => void;
  }[] = [];
  #received = Buffer.alloc(0);
  #sequence = 0;
  /** What the adapter said in `output` events and on standard error: shown when something fails. */
  log = '';

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args);
    this.#process.stdout.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.#process.stderr.on('data', (bytes: Buffer) => {
      this.log += bytes;
    });
    this.#process.stdin.on('error', () => {});
    this.#process.on('error', ({ message }) => {
      this.log += message;
    });
    this.#ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
    void this.#ended.then(() => {
      for (const { fail } of this.#waiting.splice(0)) fail();
    });
  }

  /** The response's body; throws with the adapter's message when the request fails. */
  // biome-ignore lint/suspicious/noExplicitAny: see Message.body.
  async request(command: string, args: object = {}): Promise<any> {
    const response = await this.send(command, args);
    if (!response.success)
      throw new Error(`${command}: ${response.message ?? JSON.stringify(response.body)}\n${this.log}`);
    return response.body;
  }

  /** The response itself, successful or not. */
  send(command: string, args: object = {}): Promise<Message> {
    const seq = ++this.#sequence;
    const content = JSON.stringify({ seq, type: 'request', command, arguments: args });
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`);
    return this.#wait(
      `the response to ${command}`,
      ({ type, request_seq }) => type === 'response' && request_seq === seq,
    );
  }

  /** The next event of this name that was not waited for yet. */
  async event(name: string): Promise<Message> {
    const index = this.#events.findIndex(({ event }) => event === name);
    if (index >= 0) return this.#events.splice(index, 1)[0];
    return this.#wait(`the event ${name}`, ({ type, event }) => type === 'event' && event === name);
  }

  /** Events of this name that came so far tell nothing of what comes next. */
  forget(name: string): void {
    this.#events = this.#events.filter(({ event }) => event !== name);
  }

  /** Disconnects, as the editor's button does, and waits for the end of the process. */
  async end(): Promise<void> {
    if (this.#process.stdin.writable) {
      await this.send('disconnect', { terminateDebuggee: false }).catch(() => undefined);
      this.#process.stdin.end();
    }
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 3000);
    await this.#ended;
    clearTimeout(timer);
  }

  #wait(what: string, wants: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        clearTimeout(timer);
        reject(new Error(`${what} did not come\n${this.log}`));
      };
      const timer = setTimeout(fail, patience);
      const take = (message: Message): void => {
        clearTimeout(timer);
        resolve(message);
      };
      this.#waiting.push({ wants, take, fail });
    });
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const head = this.#received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString('latin1', 0, head))?.[1]);
      if (this.#received.length < head + 4 + length) return;
      this.#dispatch(JSON.parse(this.#received.toString('utf8', head + 4, head + 4 + length)));
      this.#received = this.#received.subarray(head + 4 + length);
    }
  }

  #dispatch(message: Message): void {
    if (message.event === 'output') this.log += message.body?.output ?? '';
    const index = this.#waiting.findIndex(({ wants }) => wants(message));
    if (index >= 0) this.#waiting.splice(index, 1)[0].take(message);
    else if (message.type === 'event') this.#events.push(message);
  }
}
