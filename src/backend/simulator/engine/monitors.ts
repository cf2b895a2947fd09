/**
 * The global exclusive monitor. A load-exclusive marks its address in the registers of its CPU, and nobody else writes
 * while that CPU runs. When it stops running for another one to run, the line of memory is reserved for it: the first
 * store of another CPU or of a device into the line ends the reservation, whatever it writes, and wakes the CPU where it
 * waits for an event. Stores find reserved lines in the way that they find decoded code.
 *
 * Arm ARM DDI 0487, B2.12 "Synchronization and semaphores". The granule is that of CTR_EL0.ERG, 64 bytes.
 */
import { Layout } from '../../../arm/index.ts';
import type { DecodedCode } from './code.ts';
import type { Tlb } from './tlb.ts';

const GRANULE = 64;
const PAGE = 4096;
const ADDRESS = Layout.exclusive >> 2;
/** Pages are remembered, so that the TLBs need not be searched again each time; more than so many are forgotten. */
const MOST_PAGES = 1024;

/** What the monitor knows of a CPU. */
export interface Reserver {
  readonly words: Int32Array;
  readonly tlb: Tlb;
  /** The place in memory that it reads an address from, or 0. */
  placeOf(vaLow: number, vaHigh: number): number;
  /** The reservation has ended. */
  reservationLost(): void;
}

const pageOf = (place: number): number => place - (place % PAGE);

export class Monitors {
  readonly #code: DecodedCode;
  readonly #cpus: readonly Reserver[];
  /** Places in memory of the reserved lines of CPUs that do not run now. */
  readonly #lines = new Map<Reserver, number>();
  /** What a CPU marks was changed while it does not run. */
  isStale: boolean = false;
  /** Pages that have or had such lines: stores to them look for lines. */
  readonly #pages = new Set<number>();

  constructor(code: DecodedCode, cpus: readonly Reserver[]) {
    this.#code = code;
    this.#cpus = cpus;
  }

  /** Whether stores to this page of RAM must look for reserved lines. */
  holds(page: number): boolean {
    return this.#pages.has(page);
  }

  /** Another CPU is to run. */
  leave(cpu: Reserver): void {
    const { words } = cpu;
    const [low, high] = [words[ADDRESS], words[ADDRESS + 1]];
    if (low === -1 && high === -1) return;
    const place = cpu.placeOf(low, high);
    // What is not mapped any more cannot be followed. Software must bear such a loss at any time.
    if (place === 0) {
      cpu.reservationLost();
      return;
    }
    this.#lines.set(cpu, place - (place % GRANULE));
    this.#watch(pageOf(place));
    this.#code.setLine(place);
  }

  #watch(page: number): void {
    if (this.#pages.has(page)) return;
    if (this.#pages.size === MOST_PAGES) this.#pages.clear();
    this.#pages.add(page);
    for (const { tlb } of this.#cpus) tlb.markCode(page);
  }

  /** The CPU runs, again or on: its own stores do not end its reservation. */
  enter(cpu: Reserver): void {
    const line = this.#lines.get(cpu);
    if (line !== undefined) this.#release(cpu, line);
    if (!this.isStale) return;
    this.isStale = false;
    for (const other of this.#cpus) if (other !== cpu && !this.#lines.has(other)) this.leave(other);
  }

  /** The registers of its monitor were written. */
  changed(cpu: Reserver): void {
    const line = this.#lines.get(cpu);
    if (line !== undefined) this.#release(cpu, line);
    this.isStale = true;
  }

  #release(cpu: Reserver, line: number): void {
    this.#lines.delete(cpu);
    // A bit that is left where there is code costs no more than a look.
    if (!this.#code.holdsCode(pageOf(line)) && ![...this.#lines.values()].includes(line)) this.#code.clearLine(line);
  }

  /** Memory has been written, or is about to be. */
  written(place: number, bytes: number): void {
    for (const [cpu, line] of this.#lines) {
      if (place >= line + GRANULE || place + bytes <= line) continue;
      this.#release(cpu, line);
      cpu.reservationLost();
    }
  }

  /** Lines are no longer marked. */
  forget(): void {
    for (const [cpu] of this.#lines) cpu.reservationLost();
    this.#lines.clear();
  }
}
