/**
 * Stopping between two instructions of a straight run, when the first has touched a device: the record behind it gets
 * the handler that stops, until the engine has returned. That costs nothing where nobody asks for it.
 */
import { HandlerIndex, Layout, Record } from '../../../arm/index.ts';
import { ownHandler, setHandler } from './code.ts';
import type { EngineState } from './state.ts';

interface Replaced {
  readonly record: number;
  readonly handler: number;
  readonly own: number;
}

export class Stops {
  readonly #state: EngineState;
  /** The host wants the engine to return. */
  asked: boolean = false;
  #replaced: Replaced[] = [];

  constructor(state: EngineState) {
    this.#state = state;
  }

  /** The instruction of this record, or of its copy at `part`, is the last one; 0: there is no such record. */
  behind(record: number, part: number): void {
    if (this.#replaced.length > 0) return;
    for (const last of [record, part]) if (last !== 0) this.#replace(last + Record.bytes);
  }

  #replace(record: number): void {
    const { u16 } = this.#state;
    const own = ownHandler(this.#state, record);
    // The engine returns before it anyway.
    if (own === HandlerIndex.undecoded) return;
    this.#replaced.push({ record, handler: u16[(record + Record.handler) >> 1], own });
    setHandler(this.#state, record, HandlerIndex.stop);
  }

  /** The engine has returned. Whether it was asked to. */
  clear(): boolean {
    const { asked } = this;
    this.asked = false;
    if (this.#replaced.length > 0) this.#putBack();
    return asked;
  }

  #putBack(): void {
    const { u16 } = this.#state;
    for (const { record, handler, own } of this.#replaced) {
      // What the record was decoded from may have been written meanwhile.
      if (ownHandler(this.#state, record) !== HandlerIndex.stop) continue;
      u16[(record + Record.handler) >> 1] = handler;
      u16[(record + Record.own) >> 1] = own;
    }
    this.#replaced = [];
  }
}

/** The record in Layout.part of an instruction so many bytes of code behind the first one; 0: it is not there. */
export const partRecord = (bytes: number, count: number): number =>
  bytes >= 0 && bytes < 4 * count ? Layout.part + (bytes / 4) * Record.bytes : 0;
