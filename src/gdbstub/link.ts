/** Packets both ways, and the acknowledgements between them. GDB manual, Packet Acknowledgment. */
import { Output } from './output.ts';
import { TargetError } from './target.ts';
import { Byte, Input } from './wire.ts';

export class Link {
  readonly #input: Input;
  readonly #output = new Output();
  readonly #packetSize: number;
  #acks: boolean = true;
  /** The last packet that was sent, for a client that did not get it. */
  #last: Uint8Array | undefined;
  #resent: boolean = false;

  constructor(packetSize: number) {
    this.#packetSize = packetSize;
    this.#input = new Input(packetSize);
  }

  /** Bytes of the client. They must stay as they are until next() has answered undefined. */
  push(bytes: Uint8Array): void {
    this.#resent = false;
    this.#input.push(bytes);
  }

  /** What the client said next, acknowledged; an error is for the client. */
  next(): 'packet' | 'interrupt' | TargetError | undefined {
    for (;;) {
      const event = this.#input.next();
      if (event === undefined || event === 'interrupt') return event;
      if (event === 'nak') this.#resend();
      else if (event === 'corrupt') this.#output.byte(Byte.minus);
      else if (event !== 'ack') {
        if (this.#acks) this.#output.byte(Byte.plus);
        if (event === 'packet') return event;
        return event === 'malformed'
          ? new TargetError('the packet has a wrong escape or run length', 22)
          : new TargetError(`the packet is longer than ${this.#packetSize} bytes`, 7);
      }
    }
  }

  /** The packet that next() has told: its payload is input.bytes[input.start..input.end). */
  get input(): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } {
    return this.#input;
  }

  /** Sends a packet whose payload is what `write` writes. */
  send(write: (output: Output) => void): void {
    this.#output.begin();
    write(this.#output);
    this.#output.end();
    if (this.#acks) this.#last = this.#output.lastFrame();
  }

  /** How many bytes wait to be taken. */
  get length(): number {
    return this.#output.length;
  }

  /** What is to be sent. The bytes stay as they are until more is written. */
  take(): Uint8Array {
    return this.#output.take();
  }

  /** Whoever took the bytes still needs them; if they are the `last`, only them. */
  leave(last: boolean): void {
    this.#output.leave(last);
  }

  startNoAckMode(): void {
    this.#acks = false;
    this.#input.verify = false;
    this.#last = undefined;
  }

  /** Once for what came together: many `-` must not become a flood of long replies. */
  #resend(): void {
    if (this.#acks && this.#last && !this.#resent) this.#output.raw(this.#last);
    this.#resent = true;
  }
}
