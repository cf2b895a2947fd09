/** The simplest CPU around the engine: addresses are physical ones, exceptions are left to the test. */
import type { Raise } from '../../../../src/arm/index.ts';
import { Layout } from '../../../../src/arm/index.ts';
import { SimulatorEngine } from '../../../../src/backend/simulator/engine/engine.ts';
import { type EngineHost, RunStatus } from '../../../../src/backend/simulator/engine/host.ts';

export const ramBase = 0x4000_0000;
const uartPage = 0x0900_0000;
const CNTVCT_EL0 = 0xdf02;
const CNTFRQ_EL0 = 0xdf00;

export class FlatHost implements EngineHost {
  readonly translation = { physical: 0, device: false, readable: true, writable: true };
  readonly engine: SimulatorEngine;
  readonly view: DataView;
  /** What the guest wrote to its serial port. */
  output = '';
  /** What happened, for the test to see. */
  readonly events: string[] = [];

  constructor(ramSize: number) {
    this.engine = new SimulatorEngine({ ramBase, ramSize, host: this });
    this.view = new DataView(this.engine.memory.buffer);
    this.view.setBigUint64(Layout.system + 8 * CNTFRQ_EL0, 62_500_000n, true);
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

  translate(vaLow: number, vaHigh: number): boolean {
    this.translation.physical = (vaHigh >>> 0) * 2 ** 32 + (vaLow >>> 0);
    return true;
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
  deviceRead(physical: number): boolean {
    this.view.setBigUint64(Layout.scratch, 0n, true);
    return physical >= uartPage && physical < uartPage + 4096;
  }
  deviceWrite(physical: number): boolean {
    if (physical === uartPage) this.output += String.fromCharCode(this.view.getUint8(Layout.scratch));
    return physical >= uartPage && physical < uartPage + 4096;
  }
  watched(): boolean {
    return false;
  }
  pageWatched(): boolean {
    return false;
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
  systemSlot(encoding: number): number {
    return encoding === CNTVCT_EL0 ? -1 : 8 * encoding;
  }
}
