/**
 * The other end of the protocol: a small debugger for tests, scripts and benchmarks. It reads frames its own way, so that
 * a test with it does not compare the server with itself.
 *
 * GDB manual, Remote Protocol: Overview, Packets, Stop Reply Packets.
 */

/** What the client needs of a connection: a socket of node:net has it, and so has one end of any duplex pipe. */
export interface ByteStream {
  write(bytes: Uint8Array): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** An `E` reply, with the server's words if it gave any. */
export class RemoteError extends Error {
  /** The whole reply. */
  readonly reply: string;
  constructor(packet: string, reply: string) {
    super(
      reply.startsWith('E.')
        ? reply.slice(2)
        : `${packet.slice(0, 40)} was answered with ${reply || 'an empty packet'}`,
    );
    this.reply = reply;
  }
}

export interface StopReply {
  /** T and S: a signal; W: exited; X: terminated. */
  readonly kind: 'T' | 'S' | 'W' | 'X';
  /** Of the GDB numbering, or the exit code. */
  readonly signal: number;
  /** What follows in a T reply: `thread`, `watch`, register numbers in hex ... */
  readonly pairs: ReadonlyMap<string, string>;
}

export interface RemoteRegister {
  readonly name: string;
  readonly number: number;
  readonly bits: number;
}

const hash = 0x23;
const dollar = 0x24;
const star = 0x2a;
const brace = 0x7d;

/** One character a byte. */
export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

export function latin1Text(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export const fromHex = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length >> 1 }, (_, index) =>
    Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
  );

/** Binary data as a packet carries it: `X`. */
export function escaped(data: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  for (const byte of data)
    if (byte === hash || byte === dollar || byte === star || byte === brace) bytes.push(brace, byte ^ 0x20);
    else bytes.push(byte);
  return Uint8Array.from(bytes);
}

/** Undoes escapes and runs of a reply. */
function unpack(payload: Uint8Array): Uint8Array {
  if (!payload.includes(brace) && !payload.includes(star)) return payload;
  const bytes: number[] = [];
  for (let at = 0; at < payload.length; at++) {
    if (payload[at] === brace) bytes.push(payload[++at] ^ 0x20);
    else if (payload[at] === star) {
      const last = bytes.at(-1)!;
      for (let count = payload[++at] - 29; count > 0; count--) bytes.push(last);
    } else bytes.push(payload[at]);
  }
  return Uint8Array.from(bytes);
}

const sum = (payload: Uint8Array): number => payload.reduce((total, byte) => (total + byte) & 0xff, 0);

const littleEndian = (value: bigint, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));

interface Waiting {
  readonly packet: string;
  readonly resolve: (reply: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class RemoteClient {
  /** Text that the server printed with `O`. */
  output = '';
  readonly #stream: ByteStream;
  readonly #waiting: Waiting[] = [];
  #input = new Uint8Array(0);
  #acks: boolean = true;
  #lastFrame: Uint8Array = new Uint8Array(0);
  #closed: Error | undefined;
  #registers: Promise<readonly RemoteRegister[]> | undefined;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    stream.on('data', (bytes) => this.#received(bytes));
    stream.on('error', (error) => this.#ended(error));
    stream.on('close', () => this.#ended(new Error('the server closed the connection')));
  }

  /** Says what a debugger says first and goes on without acknowledgements. Returns the server's features. */
  async start(features = 'swbreak+;hwbreak+;vContSupported+;error-message+;xmlRegisters=aarch64'): Promise<string> {
    const supported = await this.request(`qSupported:${features}`);
    if (supported.includes('QStartNoAckMode+')) {
      await this.command('QStartNoAckMode');
      this.#acks = false;
    }
    return supported;
  }

  /** One packet, one reply. Requests may be made without waiting for the earlier ones. */
  async request(packet: string | Uint8Array): Promise<string> {
    return latin1Text(await this.requestBytes(packet));
  }

  /** Likewise, with the reply as bytes: `x`. */
  requestBytes(packet: string | Uint8Array): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(this.#closed);
    const payload = typeof packet === 'string' ? latin1(packet) : packet;
    const frame = new Uint8Array(payload.length + 4);
    frame[0] = dollar;
    frame.set(payload, 1);
    frame.set(latin1(`#${sum(payload).toString(16).padStart(2, '0')}`), payload.length + 1);
    const name = latin1Text(payload.subarray(0, 60));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ packet: name, resolve, reject });
      this.#send(frame);
    });
  }

  /** A request that is answered with OK. Throws RemoteError otherwise. */
  async command(packet: string | Uint8Array): Promise<void> {
    const reply = await this.request(packet);
    if (reply !== 'OK') throw new RemoteError(typeof packet === 'string' ? packet : latin1Text(packet), reply);
  }

  /** The registers of target.xml. */
  registers(): Promise<readonly RemoteRegister[]> {
    this.#registers ??= this.#readRegisters();
    return this.#registers;
  }

  /** Throws an Error where there is no such name. */
  async register(name: string): Promise<RemoteRegister> {
    const found = (await this.registers()).find((register) => register.name === name);
    if (!found) throw new Error(`the server has no register ${name}`);
    return found;
  }

  /** By name, unsigned. Throws RemoteError where it cannot be read. */
  async readRegister(name: string): Promise<bigint> {
    const { number } = await this.register(name);
    const packet = `p${number.toString(16)}`;
    const reply = await this.request(packet);
    if (!/^([0-9a-f]{2})+$/.test(reply)) throw new RemoteError(packet, reply);
    return BigInt(`0x${toHex(fromHex(reply).reverse())}`);
  }

  async writeRegister(name: string, value: bigint): Promise<void> {
    const { number, bits } = await this.register(name);
    await this.command(`P${number.toString(16)}=${toHex(littleEndian(value, bits / 8))}`);
  }

  async readMemory(address: bigint, length: number): Promise<Uint8Array> {
    const packet = `m${address.toString(16)},${length.toString(16)}`;
    const reply = await this.request(packet);
    if (reply.startsWith('E') || reply.length !== 2 * length) throw new RemoteError(packet, reply);
    return fromHex(reply);
  }

  async writeMemory(address: bigint, data: Uint8Array): Promise<void> {
    await this.command(`M${address.toString(16)},${data.length.toString(16)}:${toHex(data)}`);
  }

  /** An unsigned little-endian integer in memory. */
  async readInteger(address: bigint, bytes: number): Promise<bigint> {
    return BigInt(`0x${toHex((await this.readMemory(address, bytes)).reverse())}`);
  }

  async writeInteger(address: bigint, bytes: number, value: bigint): Promise<void> {
    await this.writeMemory(address, littleEndian(value, bytes));
  }

  /** Z and z: 0 software, 1 hardware, 2 write, 3 read, 4 access. */
  async insertBreakpoint(type: 0 | 1 | 2 | 3 | 4, address: bigint, length: number): Promise<void> {
    await this.command(`Z${type},${address.toString(16)},${length.toString(16)}`);
  }

  async removeBreakpoint(type: 0 | 1 | 2 | 3 | 4, address: bigint, length: number): Promise<void> {
    await this.command(`z${type},${address.toString(16)},${length.toString(16)}`);
  }

  /** Resumes and answers when the machine stops. */
  continue(): Promise<StopReply> {
    return this.#resume('vCont;c');
  }

  step(): Promise<StopReply> {
    return this.#resume('vCont;s');
  }

  /** Makes the resume in progress stop. */
  interrupt(): void {
    this.#stream.write(Uint8Array.of(3));
  }

  /** A `monitor` line; the text it prints. */
  async monitor(line: string): Promise<string> {
    const before = this.output.length;
    const packet = `qRcmd,${toHex(latin1(line))}`;
    const reply = await this.request(packet);
    if (reply === '' || reply.startsWith('E')) throw new RemoteError(packet, reply);
    const text = reply === 'OK' ? '' : latin1Text(fromHex(reply));
    return this.output.slice(before) + text;
  }

  /** Lets the machine run and goes. */
  async detach(): Promise<void> {
    await this.command('D');
    this.close();
  }

  close(): void {
    this.#stream.destroy();
  }

  async #resume(packet: string): Promise<StopReply> {
    const reply = await this.request(packet);
    const match = /^([TSWX])([0-9a-f]{2})(.*)$/s.exec(reply);
    if (!match) throw new RemoteError(packet, reply);
    const pairs = match[3].split(';').filter((pair) => pair.includes(':'));
    return {
      kind: match[1] as StopReply['kind'],
      signal: Number.parseInt(match[2], 16),
      pairs: new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)])),
    };
  }

  async #readRegisters(): Promise<readonly RemoteRegister[]> {
    let xml = '';
    for (;;) {
      const packet = `qXfer:features:read:target.xml:${xml.length.toString(16)},8000`;
      const reply = await this.request(packet);
      if (!/^[lm]/.test(reply)) throw new RemoteError(packet, reply);
      xml += reply.slice(1);
      if (reply[0] === 'l') break;
    }
    return [...xml.matchAll(/<reg ([^>]*)>/g)].map(([, text]) => {
      const attribute = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? '';
      return { name: attribute('name'), number: Number(attribute('regnum')), bits: Number(attribute('bitsize')) };
    });
  }

  #send(frame: Uint8Array): void {
    this.#lastFrame = frame;
    this.#stream.write(frame);
  }

  #ended(reason: Error): void {
    this.#closed ??= reason;
    for (const { packet, reject } of this.#waiting.splice(0)) reject(new Error(`${packet}: ${this.#closed.message}`));
  }

  #received(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#input.length + bytes.length);
    all.set(this.#input);
    all.set(bytes, this.#input.length);
    let at = 0;
    while (at < all.length) {
      if (all[at] !== dollar) {
        if (all[at] === 0x2d && this.#acks) this.#stream.write(this.#lastFrame);
        at++;
        continue;
      }
      const end = all.indexOf(hash, at);
      if (end < 0 || end + 2 >= all.length) break;
      this.#frame(all.subarray(at + 1, end), latin1Text(all.subarray(end + 1, end + 3)));
      at = end + 3;
    }
    this.#input = all.slice(at);
  }

  #frame(payload: Uint8Array, checksum: string): void {
    const right = sum(payload) === Number.parseInt(checksum, 16);
    if (this.#acks) this.#stream.write(latin1(right ? '+' : '-'));
    if (!right) {
      if (!this.#acks) this.#ended(new Error('the server sent a wrong checksum'));
      return;
    }
    const reply = unpack(payload);
    // O alone is text; OK is a reply.
    if (reply[0] === 0x4f && reply[1] !== 0x4b) this.output += latin1Text(fromHex(latin1Text(reply.subarray(1))));
    else this.#waiting.shift()?.resolve(reply);
  }
}
