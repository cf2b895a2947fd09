/**
 * Where in RAM everything goes that a machine starts with, and what the first CPU finds in its registers.
 *
 * Linux Documentation/arch/arm64/booting.rst, "Setup the device tree", "Call the kernel image"; QEMU
 * docs/system/arm/virt.rst, "Hardware configuration information for bare-metal programming".
 */
import { type Board, completedTree, deviceTree } from '../board.ts';
import { parseTree } from '../fdt.ts';
import { type Image, ImageError, type RamRange } from './image.ts';

/** What a user chooses of it. */
export interface BootChoice {
  readonly commandLine?: string;
  readonly initrd?: Uint8Array;
  /** A device tree of the user's own. */
  readonly deviceTree?: Uint8Array;
}

/** What the machine knows of itself. */
export type Hardware = Omit<Board, 'commandLine' | 'initrd' | 'ramSize'>;

export interface Boot {
  readonly pieces: readonly { readonly address: bigint; readonly data: Uint8Array }[];
  readonly entry: bigint;
  /** Of the first CPU. */
  readonly x0: bigint;
  readonly tree: Uint8Array;
}

/** Why a machine cannot start from what it was given. */
export class BootError extends Error {}

const TWO_MIB = 0x20_0000n;
/** A kernel takes no larger tree. */
const LARGEST_TREE = 0x20_0000;

const alignUp = (value: bigint, to: bigint): bigint => ((value + to - 1n) / to) * to;

/**
 * A Linux kernel gets the tree behind its own memory, the RAM disk behind that, and the tree's address in X0. Others find
 * the tree at the start of RAM, if nothing of theirs lies there.
 */
export function placeBoot(image: Image, ram: RamRange, hardware: Hardware, choice: BootChoice): Boot | ImageError {
  const { initrd } = choice;
  const isLinux = image.kind === 'linux';
  const end = image.segments.reduce((most, { address, length }) => max(most, address + length), ram.start);
  const treeAt = isLinux ? alignUp(end, TWO_MIB) : ram.start;
  const diskAt = isLinux ? treeAt + TWO_MIB : alignUp(max(end, ram.start + TWO_MIB), TWO_MIB);
  const diskEnd = diskAt + BigInt(initrd?.length ?? 0);
  const board: Board = {
    ...hardware,
    ramSize: ram.length,
    commandLine: choice.commandLine ?? '',
    initrd: initrd && { start: diskAt, end: diskEnd },
  };
  const tree = treeFor(board, choice);
  if (tree instanceof ImageError) return tree;
  const needed = (isLinux || initrd ? diskEnd : end) - ram.start;
  if (needed > ram.length)
    return new ImageError(`kernel, device tree and RAM disk need ${(needed + 0xf_ffffn) >> 20n} MiB of RAM`);
  const pieces = image.segments.map(({ address, data }) => ({ address, data }));
  if (hasPlace(image, ram, treeAt, tree)) pieces.push({ address: treeAt, data: tree });
  if (initrd) pieces.push({ address: diskAt, data: initrd });
  return { pieces, entry: image.entry, x0: isLinux ? treeAt : 0n, tree };
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function treeFor(board: Board, choice: BootChoice): Uint8Array | ImageError {
  if (!choice.deviceTree) return deviceTree(board);
  const parsed = parseTree(choice.deviceTree);
  if (typeof parsed === 'string') return new ImageError(`the device tree cannot be used: ${parsed}`);
  const tree = completedTree(parsed, board);
  return tree.length <= LARGEST_TREE
    ? tree
    : new ImageError(`the device tree has ${tree.length} bytes, more than 2 MiB`);
}

/** A machine that starts empty stays so. */
function hasPlace({ kind, segments }: Image, ram: RamRange, at: bigint, tree: Uint8Array): boolean {
  if (kind === 'linux' || kind === 'firmware') return at + BigInt(tree.length) <= ram.start + ram.length;
  if (segments.length === 0) return false;
  return segments.every(({ address }) => address >= at + BigInt(tree.length));
}
