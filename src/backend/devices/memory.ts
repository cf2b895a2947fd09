/** Guest RAM as a device reaches it. */
export interface DeviceMemory {
  /** RAM at a physical address, as long as asked; undefined where not all of it is RAM. */
  view(address: number, length: number): Uint8Array | undefined;
  /** The device has changed RAM. */
  written(address: number, length: number): void;
}
