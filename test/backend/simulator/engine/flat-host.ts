/** The simplest CPU around the engine: addresses are physical ones, exceptions are left to the test. */
import { a64Instructions, Layout, type Raise } from '../../../../src/arm/index.ts';
import { SimulatorEngine } from '../../../../src/backend/simulator/engine/engine.ts';
import { Access, type EngineHost, RunStatus } from '../../../../src/backend/simulator/engine/host.ts';

const allFeatures = new Set(a64Instructions.flatMap(({ features }) => features));

export const ramBase = 0x4000_0000;
const uartPage = 0x0900_0000;
const accessNames = ['read', 'write', 'execute'];
const CNTVCT_EL0 = 0xdf02;
const CNTFRQ_EL0 = 0xdf00;

export class FlatHost implements EngineHost {
  readonly translation = { physical: 0, device: false, readable: true, writable: true, sizeBits: 12 };
  readonly engine: SimulatorEngine;
  readonly view: DataView;
  /** What the guest wrote to its serial port. */
  output = '';
  /** What happened, for the test to see. */
  readonly events: string[] = [];
  /** Questions about pages, asked with their first address. */
  physicalOf: (page: number) => number = (page) => page;
  isMapped: (page: number, access: Access) => boolean = () => true;
  isDevice: (page: number) => boolean = () => false;
  isWatched: (page: number) => boolean = () => false;

  constructor(ramSize: number, memory?: WebAssembly.Memory) {
    this.engine = new SimulatorEngine({ ramBase, ramSize, host: this, memory, features: allFeatures });
    this.view = new DataView(this.engine.memory.buffer);
    this.view.setBigUint64(Layout.system + 8 * CNTFRQ_EL0, 62_500_000n, true);
  }

  /** Puts instructions into RAM. */
  program(address: number, words: readonly number[]): void {
    for (const [i, word] of words.entries()) this.view.setUint32(this.engine.ramOffset(address) + 4 * i, word, true);
    this.engine.changed(address, 4 * words.length);
  }

  get pc(): bigint {
    return this.view.getBigUint64(Layout.pc, true);
  }
  set pc(value: bigint) {
    this.view.setBigUint64(Layout.pc, value, true);
  }
  getX(register: number): bigint {
    return this.view.getBigUint64(Layout.x + 8 * register, true);
  }
  setX(register: number, value: bigint): void {
    this.view.setBigUint64(Layout.x + 8 * register, value, true);
  }

  translate(vaLow: number, vaHigh: number, access: Access, unprivileged: boolean): boolean {
    const va = (vaHigh >>> 0) * 2 ** 32 + (vaLow >>> 0);
    const page = va - (va % 4096);
    this.translation.physical = this.physicalOf(page) + (va % 4096);
    this.translation.device = this.isDevice(page);
    if (this.isMapped(page, access) && !(access === Access.execute && va % 4 !== 0)) return true;
    this.events.push(`fault ${unprivileged ? 'unprivileged ' : ''}${accessNames[access]} ${va.toString(16)}`);
    return false;
  }
  alignmentFault(vaLow: number, _vaHigh: number, write: boolean): void {
    this.events.push(`alignment ${write ? 'write' : 'read'} ${(vaLow >>> 0).toString(16)}`);
  }
  spAlignmentFault(): void {
    this.events.push('sp alignment');
  }
  externalAbort(vaLow: number): void {
    this.events.push(`abort ${(vaLow >>> 0).toString(16)}`);
  }
  deviceRead(physical: number, _bytes: number): boolean {
    this.view.setBigUint64(Layout.scratch, 0n, true);
    return physical >= uartPage && physical < uartPage + 4096;
  }
  deviceWrite(physical: number, _bytes: number): boolean {
    if (physical === uartPage) this.output += String.fromCharCode(this.view.getUint8(Layout.scratch));
    return physical >= uartPage && physical < uartPage + 4096;
  }
  watched(vaLow: number, _vaHigh: number, bytes: number, write: boolean): boolean {
    this.events.push(`watched ${write ? 'write' : 'read'} ${(vaLow >>> 0).toString(16)} ${bytes}`);
    return true;
  }
  pageWatched(vaLow: number): boolean {
    return this.isWatched((vaLow >>> 0) & -4096);
  }
  system(word: number): RunStatus {
    const isRead = (word >>> 21) & 1;
    const rt = word & 31;
    if (((word >>> 5) & 0xffff) === CNTVCT_EL0 && isRead) {
      this.setX(rt, BigInt(Math.round(performance.now() * 62_500)));
      return RunStatus.budget;
    }
    this.events.push(`system ${(word >>> 0).toString(16)}`);
    return RunStatus.stopped;
  }
  raise(kind: Raise, immediate: number): RunStatus {
    this.events.push(`${kind} ${immediate}`);
    return RunStatus.stopped;
  }
  physicalAddress(vaLow: number): number {
    return vaLow >>> 0;
  }
  reservationLost(): void {
    this.events.push('reservation lost');
  }
  systemSlot(encoding: number): number {
    return encoding === CNTVCT_EL0 ? -1 : 8 * encoding;
  }
}
