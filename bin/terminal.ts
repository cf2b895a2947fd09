/** Standard input as the guest's keyboard. */
import { fstatSync, readFileSync } from 'node:fs';

/**
 * A background job that reads from its terminal is stopped by the kernel, and the debugger in front of it would hang.
 *
 * proc(5), /proc/pid/stat: pgrp and tpgid.
 */
function inBackground(): boolean {
  if (!process.stdin.isTTY) return false;
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[2] !== fields[5];
  } catch {
    return false;
  }
}

/** What a file as standard input holds, if it is one: it is there before the guest starts, and so comes alike in every run. */
export function inputFromFile(): Uint8Array | undefined {
  try {
    return fstatSync(0).isFile() ? readFileSync(0) : undefined;
  } catch {
    return undefined;
  }
}

/** QEMU's escape character. */
const CTRL_A = 1;

/** What a key of a terminal in raw mode means, behind CTRL_A too. */
export class Keyboard {
  readonly #leave: () => void;
  #escaped: boolean = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** The bytes that are for the guest. Ctrl-A X leaves, Ctrl-A Ctrl-A is one Ctrl-A. */
  typed(bytes: Uint8Array): Uint8Array {
    const forGuest: number[] = [];
    for (const byte of bytes) {
      if (this.#escaped) {
        this.#escaped = false;
        if (byte === 0x78 || byte === 0x58) this.#leave();
        else if (byte === CTRL_A || byte === 0x61) forGuest.push(CTRL_A);
      } else if (byte === CTRL_A) this.#escaped = true;
      else forGuest.push(byte);
    }
    return Uint8Array.from(forGuest);
  }
}

export interface Input {
  /** Called when a user types Ctrl-A X. */
  readonly leave: () => void;
  /** Returns how many bytes were taken; the others are offered again. */
  readonly take: (bytes: Uint8Array) => number;
}

/** Whether a terminal's keys go to the guest. */
export const hasTerminal = (): boolean => process.stdin.isTTY && !inBackground();

/** The result stops it, and gives the terminal back as it was. */
export function forwardInput({ leave, take }: Input): () => void {
  if (inBackground()) return () => undefined;
  const terminal = process.stdin.isTTY;
  const keyboard = new Keyboard(leave);
  if (terminal) process.stdin.setRawMode(true);
  let timer: NodeJS.Timeout | undefined;
  const offer = (bytes: Uint8Array): void => {
    const rest = bytes.subarray(take(bytes));
    if (rest.length === 0) {
      process.stdin.resume();
      return;
    }
    process.stdin.pause();
    timer = setTimeout(offer, 20, rest);
  };
  const listener = (bytes: Uint8Array): void => offer(terminal ? keyboard.typed(bytes) : bytes);
  process.stdin.on('data', listener);
  // A closed standard input is a keyboard that nobody touches.
  process.stdin.on('error', () => undefined);
  return () => {
    clearTimeout(timer);
    process.stdin.off('data', listener);
    if (terminal) process.stdin.setRawMode(false);
    process.stdin.destroy();
  };
}
