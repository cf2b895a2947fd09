/**
 * The only file that touches sockets: it listens, performs the effects of the session, and lets the machine go. One
 * debugger at a time; a second one is told so and sent away.
 */
import { lstat, unlink } from 'node:fs/promises';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { type Address, parseAddress } from './address.ts';
import { Connection, type ConnectionOwner, describe, patience } from './connection.ts';
import { Machine } from './machine.ts';
import { Output } from './output.ts';
import type { SessionOptions } from './packet.ts';
import { continueAll, goesOnAlone, Session } from './session.ts';
import type { Stop, Target } from './target.ts';

export interface ServeOptions extends Partial<SessionOptions> {
  /** As parseAddress reads it, `tcp:1234` or `unix:/tmp/stub`, or an Address. */
  readonly listen: Address | string;
  /** The machine runs until a debugger comes. Default: it is held. */
  readonly running?: boolean;
  /** Told when the machine has ended: `exited` or `terminated`. */
  readonly ended?: (stop: Stop) => void;
  /** One line on what happens, for a log. */
  readonly log?: (line: string) => void;
  /** A client that reads nothing for so long is dropped. */
  readonly stallSeconds?: number;
}

export interface Server {
  /** With the port that was chosen. */
  readonly address: Address;
  /** Ends the connection and stops listening. The machine is left as after a detach, until it is interrupted. */
  close(): Promise<void>;
}

/** Serves one target. Rejects if the address cannot be listened at. */
export async function serve(target: Target, options: ServeOptions): Promise<Server> {
  const listen = typeof options.listen === 'string' ? parseAddress(options.listen) : options.listen;
  if (!listen) throw new Error(`${JSON.stringify(options.listen)} is no address to listen at`);
  const service = new Service(target, options);
  if (listen.kind === 'stdio') {
    service.start();
    service.accept(standardStreams(), 'standard input');
    return { address: listen, close: async () => service.close() };
  }
  const listener = net.createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true }, (accepted) => {
    const socket = withOwnBuffer(accepted);
    service.accept(socket, socket.remoteAddress ?? 'a local client');
  });
  const address = await bind(listener, listen);
  listener.on('error', (error) => service.log(`cannot accept: ${error.message}`));
  service.start();
  return {
    address,
    close: async () => {
      service.close();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

class Service implements ConnectionOwner {
  readonly #target: Target;
  readonly #options: ServeOptions;
  readonly #machine: Machine;
  #connection: Connection | undefined;
  /** One who came while the last one was still leaving. */
  #next: { readonly stream: Duplex; readonly name: string } | undefined;
  #closed: boolean = false;

  constructor(target: Target, options: ServeOptions) {
    this.#target = target;
    this.#options = options;
    this.#machine = new Machine(
      target,
      (stop) => this.stopped(stop),
      // A machine whose owner has closed it may fail as it likes.
      (error) => this.#closed || this.log(`the machine has failed: ${describe(error)}`),
    );
  }

  start(): void {
    if (this.#options.running) this.#goAlone();
  }

  log(line: string): void {
    this.#options.log?.(line);
  }

  accept(stream: Duplex, name: string): void {
    stream.on('error', () => stream.destroy());
    if (this.#closed) stream.destroy();
    else if (!this.#connection) this.#open(stream, name);
    else if (this.#connection.leaving && (!this.#next || this.#next.stream.destroyed)) this.#next = { stream, name };
    else {
      this.log(`${name} was refused: another debugger is attached`);
      refuse(stream);
    }
  }

  /** A stop that did not come at once. */
  stopped(stop: Stop): void {
    if (this.#connection) this.#connection.stopped(stop);
    else this.#alone(stop);
    if (this.#machine.state === 'ended') this.ended();
  }

  /** Told once for each end, and after the debugger. */
  ended(): void {
    if (this.#closed) return;
    const stop = this.#machine.lastStop;
    setImmediate(() => this.#options.ended?.(stop));
  }

  /** The connection's session has left the machine. */
  gone(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    const next = this.#next;
    this.#next = undefined;
    if (next && !next.stream.destroyed) this.#open(next.stream, next.name);
  }

  close(): void {
    this.#closed = true;
    this.#next?.stream.destroy();
    this.#next = undefined;
    this.#connection?.drop('the server is closed');
  }

  #open(stream: Duplex, name: string): void {
    this.log(`${name} has connected`);
    this.#connection = new Connection(this, this.#machine, stream, new Session(this.#target, this.#options), {
      name,
      stall: 1000 * (this.#options.stallSeconds ?? 30),
    });
    this.#connection.open();
  }

  #alone(stop: Stop): void {
    if (goesOnAlone(stop)) setImmediate(() => this.#goAlone());
    else if (this.#machine.state !== 'ended') this.log(`the machine is held after ${stop.kind}: nobody debugs it`);
  }

  /** After the server was closed, a machine that stops stays where it is: so its owner can interrupt it for good. */
  #goAlone(): void {
    if (this.#closed || this.#connection || this.#machine.state !== 'stopped') return;
    const stop = this.#machine.resume(continueAll(this.#target));
    if (stop) this.stopped(stop);
  }
}

/** What is read from a socket at once. */
const readSize = 1 << 16;

/**
 * A socket that reads into one buffer over and over; the data it tells are valid until its listener returns. Without it
 * every packet allocates 64 KiB, which makes a reply an eighth slower. net.Socket has the option, net.Server has not:
 * what was accepted changes hands, by a member that Node does not document. Where there is none, it stays as it is.
 */
function withOwnBuffer(accepted: net.Socket): net.Socket {
  const owner = accepted as { _handle?: unknown };
  const handle = owner._handle;
  if (!handle) return accepted;
  const buffer = new Uint8Array(readSize);
  const callback = (length: number): boolean => socket.emit('data', buffer.subarray(0, length)) || true;
  const options = { handle, onread: { buffer, callback } };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  owner._handle = null;
  // Until somebody listens.
  socket.pause();
  // The listener counts what it has accepted.
  socket.on('close', () => accepted.destroy());
  return socket;
}

function standardStreams(): Duplex {
  const stream = Duplex.from({ readable: process.stdin, writable: process.stdout });
  const write = stream.write.bind(stream);
  // Unlike a socket it does not tell when the bytes are no longer needed.
  return Object.assign(stream, { write: (bytes: Uint8Array) => write(bytes.slice()) });
}

/** Answers the first packet with the reason, so that gdb prints it. */
function refuse(stream: Duplex): void {
  const output = new Output();
  output.byte('+'.charCodeAt(0));
  output.begin();
  output.text('E.another debugger is attached');
  output.end();
  const bytes = output.take();
  let said = '';
  const end = (): void => {
    clearTimeout(timer);
    // lldb, which begins so, hangs when it is told anything; it reports an end without a word.
    stream.end(said.includes('$QStartNoAckMode') ? undefined : bytes);
    setTimeout(() => stream.destroy(), patience).unref();
  };
  const timer = setTimeout(end, patience).unref();
  stream.on('close', () => clearTimeout(timer));
  stream.on('data', (data: Uint8Array) => {
    if (stream.writableEnded) return;
    said += Buffer.from(data).toString('latin1');
    if (/[^+]/.test(said)) end();
  });
  stream.resume();
}

async function bind(listener: net.Server, address: Address & { kind: 'tcp' | 'unix' }): Promise<Address> {
  if (address.kind === 'tcp') {
    await listening(listener, { host: address.host, port: address.port });
    const bound = listener.address() as net.AddressInfo;
    return { kind: 'tcp', host: bound.address, port: bound.port };
  }
  const { path } = address;
  try {
    await listening(listener, { path });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await isStale(path))) throw error;
    await unlink(path);
    await listening(listener, { path });
  }
  return address;
}

const listening = (listener: net.Server, options: net.ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(options, () => {
      listener.off('error', reject);
      resolve();
    });
  });

/** A socket that a server left behind when it was killed. Any other file is not ours to remove. */
async function isStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const probe = net.connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
