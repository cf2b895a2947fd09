/** Devices at the end of a guest's accesses, as an MMIO exit gives them. */
import type { MappedDevice } from '../devices/device.ts';

export class Bus {
  readonly #devices: readonly MappedDevice[];

  constructor(devices: readonly MappedDevice[]) {
    this.#devices = devices;
  }

  /** Registers of 32 bits: a narrow read sees its part, a wide one zeros above. False: no device there. */
  read(address: number, data: Uint8Array): boolean {
    const found = this.#at(address, data.length);
    if (!found) return false;
    const offset = address - found.base;
    const value = found.device.readRegister(offset & ~3) >>> ((offset & 3) * 8);
    for (let i = 0; i < data.length; i++) data[i] = i < 4 ? value >>> (8 * i) : 0;
    return true;
  }

  write(address: number, data: Uint8Array): boolean {
    const found = this.#at(address, data.length);
    if (!found) return false;
    const offset = address - found.base;
    let value = 0;
    for (let i = 0; i < Math.min(data.length, 4); i++) value |= data[i] << (8 * i);
    found.device.writeRegister(offset & ~3, (value << ((offset & 3) * 8)) >>> 0);
    return true;
  }

  #at(address: number, length: number): MappedDevice | undefined {
    return this.#devices.find(({ base, size }) => address >= base && address + length <= base + size);
  }
}
