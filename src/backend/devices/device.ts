/** A device on the bus, with registers of 32 bits. */
export interface Device {
  /** Offset in the device, a multiple of 4. */
  readRegister(offset: number): number;
  writeRegister(offset: number, value: number): void;
  /**
   * An access of one or two bytes, aligned, for a device in which it is another thing than one of the whole register.
   * Without these a read gets its lanes of the register, and a write one with zeros beside it.
   */
  readPart?(offset: number, bytes: number): number;
  writePart?(offset: number, bytes: number, value: number): void;
  /** Back to power-on. */
  reset(): void;
}

/** Where a device answers: physical addresses base to base + size - 1. */
export interface MappedDevice {
  readonly base: number;
  readonly size: number;
  readonly device: Device;
}
