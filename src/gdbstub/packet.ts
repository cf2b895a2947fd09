/** What a packet is, and how the one that the client means is found. */
import type { BreakpointTable } from './breakpoints.ts';
import type { Document } from './document.ts';
import type { Layout } from './layout.ts';
import type { Output } from './output.ts';
import { type Fields, Pattern } from './pattern.ts';
import type { Client, Result, ResumeAction, Stop, Target, TargetError } from './target.ts';

/** The optional members of a Target. */
export type Ability = { [K in keyof Target]-?: undefined extends Target[K] ? K : never }[keyof Target];

export type TargetWith<Needs extends Ability> = Target & { readonly [K in Needs]-?: NonNullable<Target[K]> };

/** No reply now: it comes when the machine stops, or never. */
export const noReply = Symbol('no reply');

/**
 * undefined is `OK`, text is sent as it is, a TargetError is told in the form that the client reads, and a function
 * writes the payload itself.
 */
export type Reply = undefined | string | TargetError | typeof noReply | ((output: Output) => void);

/** The packet is not known: the empty reply. */
export const unsupported = '';

export interface SessionOptions {
  /** Told to lldb as the server's name and version. Default: gdbstub, 0. */
  readonly name: string;
  readonly version: string;
  /** Most bytes of a packet. Default: 0x20000. */
  readonly packetSize: number;
  /** k and vKill end the machine, if it can end. Default: they detach. */
  readonly allowKill: boolean;
  /** What a stopped machine does when its debugger goes. Default: it goes on. */
  readonly onDetach: 'resume' | 'stay';
}

/** What the handlers of packets see of the session. */
export interface Context<Needs extends Ability = never> {
  readonly target: TargetWith<Needs>;
  readonly options: SessionOptions;
  /** Taken for gdb until it shows that it is lldb. */
  readonly client: Client;
  /** From now on the client is told what lldb understands. */
  isLldb(): void;
  /** What the client said in qSupported. */
  clientFeatures: ReadonlySet<string>;
  /** What this server can do, for qSupported. */
  features(): readonly string[];
  /** The target's registers in the form for this client. */
  readonly layout: Layout;
  readonly breakpoints: BreakpointTable;
  /** Documents that are being read piece by piece. */
  readonly documents: Map<string, Document>;
  readonly savedRegisters: Map<number, SavedRegisters>;
  /** Bytes that qCRC and qSearch have gone through since the client was heard last. */
  scanned: number;

  /** lldb reads errors as `Exx;text`. */
  errorStrings: boolean;
  /** lldb wants all threads in stop replies. */
  listThreads: boolean;
  /** The last packet without acknowledgement has come. */
  startNoAckMode(): void;

  /** The thread of Hg, or this one if the packet names it; an error if there is none of this number. */
  thread(named?: number): Result<number>;
  /** Hg and Hc. */
  generalThread: number;
  continueThread: number;

  /** Why the machine stopped last. */
  readonly lastStop: Stop;
  /** Debugging, not only connected: false after D. */
  readonly attached: boolean;
  /** Lets the machine go; the stop is the reply. */
  resume(actions: readonly ResumeAction[]): Reply;
  /** Asks a running machine to stop. */
  interrupt(): void;
  /** Begins to debug: halts the machine and answers with a stop. */
  attach(): Reply;
  /** As after power-on, halted. */
  restart(): Reply;
  /** Stops debugging, the connection stays: removes breakpoints and lets the machine go. */
  detach(): void;
  /** Ends the machine if that is allowed; false if not. */
  kill(): boolean;
  /** Ends the connection. */
  close(): void;
  /** Writes text to the client's console at once. */
  print(text: string): void;
}

export interface SavedRegisters {
  readonly thread: number;
  readonly writes: readonly { readonly register: number; readonly value: bigint }[];
}

/** When a packet is answered. */
export type When =
  /** The debugger is attached and the machine stands still. */
  | 'stopped'
  /** Also after a detach: the packet does not touch the machine. */
  | 'connected'
  /** Also while the machine runs, at once. */
  | 'always';

interface Definition<Text extends string, Needs extends Ability> {
  /** Sentences for docs/PACKETS.md. */
  readonly doc: string;
  /** The members of the target that it works with: without them it is unsupported. */
  readonly needs?: Needs;
  /** Said in reply to qSupported where the packet is supported. */
  readonly features?: readonly string[];
  /** Default: stopped. */
  readonly when?: When;
  /** gdb takes a text for data here unless it said error-message+. */
  readonly numericErrors?: boolean;
  readonly run: (fields: Fields<Text>, context: Context<Needs>) => Reply;
}

export interface Packet {
  readonly pattern: Pattern;
  readonly doc: string;
  readonly needs: Ability | undefined;
  readonly features: readonly string[];
  readonly when: When;
  readonly numericErrors: boolean;
  readonly run: (fields: never, context: never) => Reply;
}

/** One packet: its notation and its handler. */
export function packet<const Text extends string, Needs extends Ability = never>(
  text: Text,
  definition: Definition<Text, Needs>,
): Packet {
  const { doc, needs, features = [], when = 'stopped', numericErrors = false, run } = definition;
  if (!/^[A-Z][^\n]*\.$/.test(doc)) throw new Error(`${text}: its doc is not made of sentences`);
  return { pattern: new Pattern(text), doc, needs, features, when, numericErrors, run };
}

/** A packet as a client sent it, understood. */
export interface Match {
  readonly packet: Packet;
  /** undefined: it is this packet, but its arguments are wrong. */
  readonly fields: Record<string, unknown> | undefined;
}

const isLetterOrDigit = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** A name as `qRcmd` ends where no letter or digit follows; a letter that is a command by itself ends at once. */
class Name {
  readonly #bytes: Uint8Array;
  readonly #open: boolean;

  constructor({ head, groups: [first] }: Pattern) {
    const name = /^.[a-zA-Z0-9:]*[a-zA-Z0-9]|^./.exec(head)![0];
    this.#bytes = Uint8Array.from(name, (character) => character.charCodeAt(0));
    this.#open = name.length === 1 || (name === head && first.parts.length > 1);
  }

  begins(bytes: Uint8Array, start: number, end: number): boolean {
    const name = this.#bytes;
    if (end - start < name.length) return false;
    for (let index = 0; index < name.length; index++) if (bytes[start + index] !== name[index]) return false;
    return this.#open || end - start === name.length || !isLetterOrDigit(bytes[start + name.length]);
  }
}

interface Entry extends Match {
  readonly name: Name;
  /** Answer for wrong arguments. */
  readonly fields: undefined;
}

/** The packets that a target supports, by their first byte, longest head first. */
export class PacketTable {
  readonly packets: readonly Packet[];
  readonly #byFirst: (Entry[] | undefined)[] = new Array(256);

  constructor(packets: readonly Packet[], target: Target) {
    this.packets = packets.filter(({ needs }) => needs === undefined || target[needs] !== undefined);
    for (const packet of this.packets.toSorted((a, b) => b.pattern.head.length - a.pattern.head.length)) {
      const first = packet.pattern.head.charCodeAt(0);
      this.#byFirst[first] ??= [];
      this.#byFirst[first].push({ packet, name: new Name(packet.pattern), fields: undefined });
    }
  }

  /** The longest head that matches completely; or the longest of whose name the packet is; or undefined. */
  find(bytes: Uint8Array, start: number, end: number): Match | undefined {
    const entries = start < end ? this.#byFirst[bytes[start]] : undefined;
    if (!entries) return undefined;
    for (const { packet } of entries) {
      const fields = packet.pattern.match(bytes, start, end);
      if (fields) return { packet, fields };
    }
    return entries.find(({ name }) => name.begins(bytes, start, end));
  }
}

/** Refuses what cannot be told apart. Throws an Error: a mistake of the table. */
export function checkPackets(packets: readonly Packet[]): void {
  const seen = new Set<string>();
  for (const { pattern } of packets) {
    const shape = pattern.text.replace(/\{\w+:\w+\}/g, '{}');
    if (seen.has(shape)) throw new Error(`${pattern.text} is defined twice`);
    seen.add(shape);
  }
}
