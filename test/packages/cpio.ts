/** A cpio archive in the "newc" format, as the kernel unpacks an initramfs from: Linux Documentation/driver-api/early-userspace/buffer-format.rst. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const Kind = { directory: 0o040000, file: 0o100000, link: 0o120000, characterDevice: 0o020000 } as const;

export class Archive {
  readonly #chunks: Buffer[] = [];
  readonly #made = new Set<string>(['.']);

  /** Names are absolute in the guest. Directories above come by themselves. */
  file(name: string, content: Buffer | string, mode = 0o644): void {
    this.#entry(name, Kind.file | mode, Buffer.from(content));
  }

  /** A file of this machine, or a folder with all that `keep` likes in it. */
  copy(name: string, from: string, keep: (file: string) => boolean = () => true): void {
    const status = statSync(from);
    if (!status.isDirectory()) {
      if (keep(from)) this.file(name, readFileSync(from), status.mode & 0o777);
      return;
    }
    for (const entry of readdirSync(from).sort()) this.copy(`${name}/${entry}`, path.join(from, entry), keep);
  }

  directory(name: string): void {
    const parent = path.posix.dirname(name);
    if (name === '/' || this.#made.has(name)) return;
    this.directory(parent);
    this.#made.add(name);
    this.#append(name, Kind.directory | 0o755, Buffer.alloc(0));
  }

  link(name: string, target: string): void {
    this.#entry(name, Kind.link | 0o777, Buffer.from(target));
  }

  characterDevice(name: string, major: number, minor: number): void {
    this.#entry(name, Kind.characterDevice | 0o600, Buffer.alloc(0), major, minor);
  }

  /** Ends the archive: its bytes, in order. */
  end(): readonly Buffer[] {
    this.#append('/TRAILER!!!', 0, Buffer.alloc(0));
    return this.#chunks;
  }

  #entry(name: string, mode: number, content: Buffer, major = 0, minor = 0): void {
    this.directory(path.posix.dirname(name));
    this.#append(name, mode, content, major, minor);
  }

  #append(name: string, mode: number, content: Buffer, major = 0, minor = 0): void {
    const relative = `${name.slice(1)}\0`;
    // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    const fields = [0, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, Buffer.byteLength(relative), 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${relative}`;
    this.#chunks.push(padded(Buffer.from(header)), padded(content));
  }
}

function padded(bytes: Buffer): Buffer {
  const missing = -bytes.length & 3;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
