/**
 * gdb and lldb as a person uses them: a process, commands typed one after the other, the text that they print. Nothing
 * blocks, because the guest is served by the same process.
 */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** Milliseconds that one command may take on a slow machine. */
const patience = 10_000;

/** gdb in batch mode: what it prints, standard error included. A command that fails does not keep it from the next. */
export function gdbBatch(commands: readonly string[], file?: string, timeout = 2 * patience): Promise<string> {
  const args = ['-nx', '-batch', ...(file ? [file] : []), ...commands.flatMap((command) => ['-ex', command])];
  return new Promise((resolve, reject) => {
    const options = { timeout, maxBuffer: 1 << 26 };
    execFile('sh', ['-c', 'exec "$0" "$@" 2>&1', 'gdb-multiarch', ...args], options, (error, text) =>
      error?.killed || error?.code === 127 ? reject(new Error(`${error.message}\n${text}`)) : resolve(text),
    );
  });
}

interface Kind {
  readonly program: string;
  readonly args: readonly string[];
  /** Typed first. */
  readonly setup: readonly string[];
  /** A command that prints a text and a new line. */
  readonly echo: (text: string) => string;
  /** What is not an answer: the echo of what was typed. */
  readonly noise: RegExp;
}

const gdb: Kind = {
  program: 'gdb-multiarch',
  args: ['-nx', '-q'],
  setup: ['set prompt', 'set confirm off', 'set pagination off', 'set width 0', 'set style enabled off'],
  echo: (text) => `echo ${text}\\n`,
  noise: /^\(gdb\) /,
};

const lldb: Kind = {
  program: 'lldb-19',
  args: ['--no-lldbinit', '--no-use-colors'],
  setup: ['script lldb.debugger.SetAsync(False)', 'settings set auto-confirm true'],
  echo: (text) => `script print(${JSON.stringify(text)})`,
  noise: /^\(lldb\) .*\n/gm,
};

export class Debugger {
  readonly #kind: Kind;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  #text = '';
  #count = 0;
  #look: () => void = () => {};
  /** Milliseconds that one command may take. */
  patience = patience;

  private constructor(kind: Kind, file: string | undefined) {
    this.#kind = kind;
    // One pipe for both, so that what is printed keeps its order.
    const command = 'exec "$0" "$@" 2>&1';
    this.#process = spawn('sh', ['-c', command, kind.program, ...kind.args, ...(file ? [file] : [])]);
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
      this.#look();
    });
    this.#process.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
    void this.#ended.then(() => this.#look());
  }

  /** Ended at the latest when the test is over. */
  static async #start(kind: Kind, file: string | undefined): Promise<Debugger> {
    const one = new Debugger(kind, file);
    onTestFinished(() => one.kill());
    for (const command of kind.setup) await one.run(command);
    return one;
  }

  static gdb = (file?: string): Promise<Debugger> => Debugger.#start(gdb, file);
  static lldb = (file?: string): Promise<Debugger> => Debugger.#start(lldb, file);

  /** What the command prints, up to the next prompt. */
  async run(...commands: readonly string[]): Promise<string> {
    let said = '';
    for (const command of commands) said += await this.start(command);
    return said;
  }

  /** Types a command; what it prints comes when it is done. */
  start(command: string): Promise<string> {
    const mark = `@${++this.#count}@`;
    this.#process.stdin.write(`${command}\n${this.#kind.echo(mark)}\n`);
    return this.#until(`${mark}\n`, command);
  }

  /** Control-C. */
  interrupt(): void {
    this.#process.kill('SIGINT');
  }

  /** Types the last command and waits for the end of the process; what it printed. */
  async quit(command = 'quit'): Promise<string> {
    this.#process.stdin.end(`${command}\n`);
    await this.#within(this.#ended, command);
    return this.#text;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #until(mark: string, command: string): Promise<string> {
    const found = new Promise<string>((resolve, reject) => {
      this.#look = () => {
        const at = this.#text.indexOf(mark);
        if (at >= 0) {
          const said = this.#text.slice(0, at).replace(this.#kind.noise, '');
          this.#text = this.#text.slice(at + mark.length);
          resolve(said);
        } else if (this.#process.exitCode !== null)
          reject(new Error(`${this.#kind.program} has ended at ${command}\n${this.#text}`));
      };
      this.#look();
    });
    return this.#within(found, command);
  }

  async #within<T>(answer: Promise<T>, command: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${this.#kind.program} does not come back from ${command}\n${this.#text}`)),
        this.patience,
      );
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
