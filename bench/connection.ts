/** A debugger's connection with as little of its own as can be: what is measured is the server. */
import { createConnection, type Socket } from 'node:net';

const dollar = 0x24;
const hash = 0x23;

/** $payload#checksum. */
export function frame(payload: Buffer | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  let sum = 0;
  for (const byte of body) sum += byte;
  const check = (sum & 0xff).toString(16).padStart(2, '0');
  return Buffer.concat([Buffer.from('$'), body, Buffer.from(`#${check}`)]);
}

export class Connection {
  readonly #socket: Socket;
  #parts: Buffer[] = [];
  #acks = true;
  #waiting: { replies: number; readonly resolve: (last: Buffer) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** No acknowledgements, where the server can do without. */
  async start(): Promise<void> {
    const features = await this.send(frame('qSupported:swbreak+;hwbreak+;vContSupported+;xmlRegisters=aarch64'));
    if (!features.includes('QStartNoAckMode+')) return;
    await this.send(frame('QStartNoAckMode'));
    this.#acks = false;
  }

  /** Sends frames made before and gives the last of as many replies, without its frame. */
  send(frames: Buffer, replies = 1): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#waiting = { replies, resolve };
      this.#socket.write(frames);
    });
  }

  async ask(packet: string): Promise<string> {
    return (await this.send(frame(packet))).toString('latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(bytes: Buffer): void {
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(hash, at);
      // A frame ends two digits behind its #: in the same chunk, or the next one begins with them.
      if (end < 0 || end + 3 > bytes.length) break;
      this.#parts.push(bytes.subarray(at, end));
      at = end + 3;
      this.#reply();
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  /** What is not a whole frame yet is looked at again with what follows. */
  #keep(rest: Buffer): void {
    if (rest.indexOf(hash) >= 0) this.#socket.unshift(rest);
    else this.#parts.push(rest);
  }

  #reply(): void {
    const whole = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    const start = whole.indexOf(dollar);
    if (start < 0) return;
    if (this.#acks) this.#socket.write('+');
    const waiting = this.#waiting;
    if (waiting === undefined || --waiting.replies > 0) return;
    this.#waiting = undefined;
    waiting.resolve(whole.subarray(start + 1));
  }
}
