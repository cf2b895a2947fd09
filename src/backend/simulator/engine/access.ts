/** Data accesses that the TLB does not answer: translation, faults, watchpoints, devices, page crossings, code. */
import { AccessShift, accessKinds, firstAlignedKind, Layout } from '../../../arm/index.ts';
import { Access, type EngineHost } from './host.ts';
import type { EngineState } from './state.ts';
import type { Tlb } from './tlb.ts';

const pageBytes = 4096;
const unprivilegedKind = accessKinds.indexOf('unprivileged');
const atomicKind = accessKinds.indexOf('atomic');

/** One object is used over and over: an access is carried out before the next begins. */
interface Request {
  low: number;
  high: number;
  element: number;
  bytes: number;
  /** Something that needs permission to write. */
  write: boolean;
  store: boolean;
  atomic: boolean;
  unprivileged: boolean;
  aligned: boolean;
}

/** Who is told of stores. */
export interface StoreListener {
  /** Whether stores to this page of RAM, by its place in memory, must be told. */
  isWatched(page: number): boolean;
  /** RAM at these places in memory is about to be written. */
  written(place: number, bytes: number): void;
}

export interface SlowAccessOptions {
  readonly state: EngineState;
  readonly tlb: Tlb;
  readonly host: EngineHost;
  readonly stores: StoreListener;
}

export class SlowAccess {
  readonly #state: EngineState;
  readonly #tlb: Tlb;
  readonly #host: EngineHost;
  readonly #stores: StoreListener;
  /** What has been read of a device so far. */
  readonly #value = new Uint8Array(32);
  readonly #request: Request = {
    low: 0,
    high: 0,
    element: 0,
    bytes: 0,
    write: false,
    store: false,
    atomic: false,
    unprivileged: false,
    aligned: false,
  };

  constructor({ state, tlb, host, stores }: SlowAccessOptions) {
    this.#state = state;
    this.#tlb = tlb;
    this.#host = host;
    this.#stores = stores;
  }

  /**
   * The place in memory to load from or store to, or 0 with an exception pending. The value of a store stands in
   * Layout.scratch; where the store has already been done the place is Layout.scratch again. The description is that
   * of accessDescription().
   */
  access(low: number, high: number, description: number, store: boolean): number {
    const request = this.#request;
    const kind = description >> AccessShift.kind;
    request.low = low;
    request.high = high;
    request.element = 1 << (description & 7);
    request.bytes = request.element << ((description >> AccessShift.count) & 7);
    request.store = store;
    request.atomic = kind === atomicKind;
    request.write = store || request.atomic;
    request.unprivileged = kind === unprivilegedKind;
    const mustAlign = kind >= firstAlignedKind;
    request.aligned = (low & ((mustAlign ? request.bytes : request.element) - 1)) === 0;
    if (!request.aligned && (mustAlign || this.#state.i32[Layout.alignCheck >> 2] !== 0)) {
      this.#host.alignmentFault(low, high, store);
      return 0;
    }
    return (low & (pageBytes - 1)) + request.bytes <= pageBytes ? this.#inPage(request) : this.#crossing(request);
  }

  /** The physical address of a part of the access, or -1 with an exception pending. */
  #translate({ low, high, write, store, unprivileged, aligned }: Request, vaLow: number, vaHigh: number): number {
    const host = this.#host;
    // ESR_ELx.WnR of an atomic access: a fault that its read alone would have is that of a read.
    if (write && !store && !host.translate(vaLow, vaHigh, Access.read, unprivileged)) return -1;
    if (!host.translate(vaLow, vaHigh, write ? Access.write : Access.read, unprivileged)) return -1;
    if (host.translation.device && !aligned) {
      host.alignmentFault(low, high, store);
      return -1;
    }
    return host.translation.physical;
  }

  /** Whether a watchpoint stops the access. What is read to be written is watched as both. */
  #stopped({ low, high, bytes, store, atomic, unprivileged }: Request): boolean {
    const host = this.#host;
    return (
      ((store || atomic) && host.watched(low, high, bytes, true, unprivileged)) ||
      (!store && host.watched(low, high, bytes, false, unprivileged))
    );
  }

  #inPage(request: Request): number {
    const { low, high, bytes, write, unprivileged } = request;
    const state = this.#state;
    const physical = this.#translate(request, low, high);
    if (physical < 0) return 0;
    const { device } = this.#host.translation;
    const isWatched = this.#host.pageWatched(low, high);
    if (isWatched && this.#stopped(request)) return 0;
    const place = write ? state.place(physical) : state.readablePlace(physical);
    if (place === 0) return this.#device(request, physical);
    const pagePlace = place - (low & (pageBytes - 1));
    const isToldOf = write && this.#stores.isWatched(pagePlace);
    if (!isWatched) {
      const context = state.i32[(unprivileged ? Layout.unprivileged : Layout.context) >> 2];
      const checked = device || state.i32[Layout.alignCheck >> 2] !== 0;
      this.#tlb.noteBlock(low, high, this.#host.translation.sizeBits);
      this.#tlb.fillData(context, write, low, high, place, checked, isToldOf);
    }
    if (isToldOf && request.store) this.#stores.written(place, bytes);
    return place;
  }

  #device(request: Request, physical: number): number {
    if (request.store ? this.#deviceStore(request, physical) : this.#deviceLoad(request, physical))
      return Layout.scratch;
    return this.#externalAbort(request);
  }

  #externalAbort({ low, high, store }: Request): number {
    this.#host.externalAbort(low, high, store ? Access.write : Access.read);
    return 0;
  }

  /** Element by element, of at most 8 bytes: the host's value is always at Layout.scratch. */
  #deviceLoad({ element, bytes }: Request, physical: number): boolean {
    const { u8 } = this.#state;
    const part = Math.min(element, 8);
    for (let at = 0; at < bytes; at += part) {
      if (!this.#host.deviceRead(physical + at, part)) return false;
      if (bytes === part) return true;
      this.#value.set(u8.subarray(Layout.scratch, Layout.scratch + part), at);
    }
    u8.set(this.#value.subarray(0, bytes), Layout.scratch);
    return true;
  }

  #deviceStore({ element, bytes }: Request, physical: number): boolean {
    const { u8 } = this.#state;
    const part = Math.min(element, 8);
    for (let at = 0; at < bytes; at += part) {
      if (at > 0) u8.copyWithin(Layout.scratch, Layout.scratch + part, Layout.scratch + bytes);
      if (!this.#host.deviceWrite(physical + at, part)) return false;
    }
    return true;
  }

  /** Both pages are looked up before anything is accessed. Unaligned accesses reach RAM only. */
  #crossing(request: Request): number {
    const { low, high, bytes, store } = request;
    const inFirst = pageBytes - (low & (pageBytes - 1));
    const nextLow = (low + inFirst) | 0;
    const nextHigh = nextLow === 0 ? (high + 1) | 0 : high;
    const physical = this.#translate(request, low, high);
    if (physical < 0) return 0;
    const nextPhysical = this.#translate(request, nextLow, nextHigh);
    if (nextPhysical < 0) return 0;
    const host = this.#host;
    if ((host.pageWatched(low, high) || host.pageWatched(nextLow, nextHigh)) && this.#stopped(request)) return 0;
    const state = this.#state;
    const place = request.write ? state.place(physical) : state.readablePlace(physical);
    const nextPlace = request.write ? state.place(nextPhysical) : state.readablePlace(nextPhysical);
    if (place === 0 || nextPlace === 0) return this.#externalAbort(request);
    const { u8 } = this.#state;
    const { scratch } = Layout;
    if (store) {
      this.#stores.written(place, inFirst);
      this.#stores.written(nextPlace, bytes - inFirst);
      u8.copyWithin(place, scratch, scratch + inFirst);
      u8.copyWithin(nextPlace, scratch + inFirst, scratch + bytes);
    } else {
      u8.copyWithin(scratch, place, place + inFirst);
      u8.copyWithin(scratch + inFirst, nextPlace, nextPlace + bytes - inFirst);
    }
    return scratch;
  }
}
