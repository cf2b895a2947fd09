/** Devices of the machine that lead to files and sockets of the host. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { type Disk, FileDisk, type FlashFile, type Link, Loopback, OverlayDisk } from '../src/backend/index.ts';
import { SocketLink } from './link.ts';
import { reasonOf } from './machine.ts';
import { complain, ExitCode, UserError } from './message.ts';
import type { Drive, NetworkTarget } from './options.ts';

const failed = (name: string, reason: string): UserError => new UserError(`${name}: ${reason}`, ExitCode.failed);

const QCOW2 = Buffer.from('QFI\xfb', 'latin1');

/** Throws UserError. */
export function openDisk({ file, readOnly, snapshot }: Drive): Disk {
  try {
    const disk = new FileDisk(file, readOnly || snapshot);
    const start = new Uint8Array(4);
    if (disk.size >= 512 && disk.read(start, 0) && QCOW2.equals(start)) {
      disk.close();
      throw failed(file, 'it is a qcow2 image; make a raw one of it, as qemu-img convert -O raw does');
    }
    return snapshot ? new OverlayDisk(disk) : disk;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw failed(file, code === 'ENOENT' ? 'there is no such file' : reasonOf(error));
  }
}

/** A file of what flash keeps: read now, and written to whenever the guest changes it. Throws UserError. */
export function openVariables(name: string): FlashFile & { close: () => void } {
  try {
    const file = openSync(name, 'r+');
    const data = new Uint8Array(fstatSync(file).size);
    readSync(file, data, 0, data.length, 0);
    let broken = false;
    const changed = (offset: number, bytes: Uint8Array): void => {
      if (broken) return;
      try {
        writeSync(file, bytes, 0, bytes.length, offset);
      } catch (error) {
        broken = true;
        complain(`${name} gets no more of the variables: ${reasonOf(error)}`);
      }
    };
    return { data, changed, close: () => closeSync(file) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file; truncate -s 64M makes one' : reasonOf(error);
    throw failed(name, reason);
  }
}

export const openNetwork = (target: NetworkTarget): Link =>
  target.kind === 'loopback' ? new Loopback() : new SocketLink(target.path);
