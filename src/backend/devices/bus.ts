/**
 * The way from a CPU's access to a device. Devices have registers of 32 bits: a wider access is two of them, a narrow
 * one is part of one, and one that is not aligned is made byte by byte.
 */
import type { Device, MappedDevice } from './device.ts';

const laneShift = (offset: number): number => (offset & 3) * 8;

/** `bytes`: 1, 2 or 4, and the offset a multiple of it. */
function readDevice(device: Device, offset: number, bytes: number): number {
  if (bytes === 4) return device.readRegister(offset);
  if (device.readPart) return device.readPart(offset, bytes);
  return (device.readRegister(offset & ~3) >>> laneShift(offset)) & (bytes === 1 ? 0xff : 0xffff);
}

function writeDevice(device: Device, offset: number, bytes: number, value: number): void {
  if (bytes === 4) device.writeRegister(offset, value >>> 0);
  else {
    const part = value & (bytes === 1 ? 0xff : 0xffff);
    if (device.writePart) device.writePart(offset, bytes, part);
    else device.writeRegister(offset & ~3, (part << laneShift(offset)) >>> 0);
  }
}

export class Bus {
  readonly #devices: readonly MappedDevice[];
  /** That of the last access: drivers stay with one for a while. */
  #last: MappedDevice | undefined;
  /** What was read, as signed words. */
  low = 0;
  high = 0;

  constructor(devices: readonly MappedDevice[]) {
    this.#devices = devices;
  }

  /** A read of 1, 2, 4 or 8 bytes, into `low` and `high`. False: no device there. */
  read(address: number, bytes: number): boolean {
    const found = this.#at(address, bytes);
    if (!found) return false;
    const offset = address - found.base;
    const { device } = found;
    this.high = 0;
    if ((offset & (bytes - 1)) !== 0) this.#readBytes(device, offset, bytes);
    else {
      this.low = readDevice(device, offset, Math.min(bytes, 4)) | 0;
      if (bytes === 8) this.high = readDevice(device, offset + 4, 4) | 0;
    }
    return true;
  }

  write(address: number, bytes: number, low: number, high: number): boolean {
    const found = this.#at(address, bytes);
    if (!found) return false;
    const offset = address - found.base;
    const { device } = found;
    if ((offset & (bytes - 1)) !== 0)
      for (let i = 0; i < bytes; i++) writeDevice(device, offset + i, 1, (i < 4 ? low : high) >>> laneShift(i));
    else {
      writeDevice(device, offset, Math.min(bytes, 4), low);
      if (bytes === 8) writeDevice(device, offset + 4, 4, high);
    }
    return true;
  }

  /** As `read`, of up to 8 bytes in memory. */
  readInto(address: number, data: Uint8Array): boolean {
    const { length } = data;
    if (!this.read(address, length)) return false;
    for (let i = 0; i < length; i++) data[i] = (i < 4 ? this.low : this.high) >>> laneShift(i);
    return true;
  }

  writeFrom(address: number, data: Uint8Array): boolean {
    const word = (from: number): number => {
      let value = 0;
      for (let i = from; i < Math.min(from + 4, data.length); i++) value |= data[i] << laneShift(i);
      return value;
    };
    return this.write(address, data.length, word(0), word(4));
  }

  #readBytes(device: Device, offset: number, bytes: number): void {
    this.low = 0;
    for (let i = 0; i < bytes; i++) {
      const byte = readDevice(device, offset + i, 1) << laneShift(i);
      if (i < 4) this.low |= byte;
      else this.high |= byte;
    }
  }

  #at(address: number, bytes: number): MappedDevice | undefined {
    const holds = ({ base, size }: MappedDevice): boolean => address >= base && address + bytes <= base + size;
    if (this.#last && holds(this.#last)) return this.#last;
    const found = this.#devices.find(holds);
    if (found) this.#last = found;
    return found;
  }
}
