/**
 * A wire between two machines: a Unix socket with frames as QEMU's `-netdev stream` has them, each behind its length in
 * 32 bits, high byte first. Who comes first listens; a partner may go, and the next one takes its place.
 */
import { rmSync } from 'node:fs';
import net from 'node:net';
import type { Link } from '../src/backend/index.ts';
import { complain, note } from './message.ts';

/** More is no frame. */
const LONGEST = 65_536;
/** Bytes that a partner who does not read may be behind; other frames are lost, as on a wire. */
const MOST_UNREAD = 1 << 20;
const LENGTH = 4;
/** Milliseconds. */
const RETRY = 500;

export class SocketLink implements Link {
  received: (frame: Uint8Array) => void = () => undefined;
  readonly #path: string;
  #socket: net.Socket | undefined;
  #server: net.Server | undefined;
  #pending = Buffer.alloc(0);
  #closed: boolean = false;

  constructor(path: string) {
    this.#path = path;
    this.#connect();
  }

  send(frame: Uint8Array): void {
    const socket = this.#socket;
    if (!socket || socket.connecting || socket.writableLength > MOST_UNREAD) return;
    const head = Buffer.alloc(LENGTH);
    head.writeUInt32BE(frame.length);
    socket.write(Buffer.concat([head, frame]));
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
    if (!this.#server) return;
    this.#server.close();
    rmSync(this.#path, { force: true });
  }

  #connect(): void {
    const socket = net.connect(this.#path);
    socket.once('connect', () => this.#attach(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (this.#socket === socket) return;
      // Nobody is there, or somebody who has died.
      if (error.code === 'ECONNREFUSED') rmSync(this.#path, { force: true });
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') this.#listen();
      else complain(`the network has no partner: ${error.message}`);
    });
  }

  #listen(): void {
    const server = net.createServer((socket) => {
      this.#socket?.destroy();
      this.#attach(socket);
    });
    server.on('error', (error) => complain(`the network has no partner: ${error.message}`));
    server.listen(this.#path, () => note(`the network waits for a partner at ${this.#path}`));
    server.unref();
    this.#server = server;
  }

  #attach(socket: net.Socket): void {
    this.#socket = socket;
    this.#pending = Buffer.alloc(0);
    socket.unref();
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      // Who listened is gone: it may come again, or this one listens.
      if (!this.#server && !this.#closed) setTimeout(() => this.#closed || this.#connect(), RETRY).unref();
    });
  }

  #take(bytes: Buffer): void {
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, bytes]) : bytes;
    while (rest.length >= LENGTH) {
      const length = rest.readUInt32BE();
      if (length > LONGEST) {
        complain('the partner in the network does not speak in frames');
        this.#socket?.destroy();
        return;
      }
      if (rest.length < LENGTH + length) break;
      this.received(Uint8Array.from(rest.subarray(LENGTH, LENGTH + length)));
      rest = rest.subarray(LENGTH + length);
    }
    this.#pending = Buffer.from(rest);
  }
}
