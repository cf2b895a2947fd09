/** Standard input as the guest's keyboard. */
import { readFileSync } from 'node:fs';

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

/** `take` returns how many bytes were taken; the others are offered again. The result stops it. */
export function forwardInput(take: (bytes: Uint8Array) => number): () => void {
  if (inBackground()) return () => undefined;
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
  process.stdin.on('data', offer);
  // A closed standard input is a keyboard that nobody touches.
  process.stdin.on('error', () => undefined);
  return () => {
    clearTimeout(timer);
    process.stdin.off('data', offer);
    process.stdin.destroy();
  };
}
