/**
 * `demo --check`: a debugger that edits system registers of the demo guest and asks the guest, by its memory and its
 * console, whether it felt each edit.
 */
import { type RemoteClient, RemoteError } from '../../src/gdbstub/index.ts';

export interface Row {
  /** What the debugger did. */
  readonly action: string;
  /** What was then seen in the guest. */
  readonly seen: string;
  readonly good: boolean;
}

/** The window of demo/guest.c. */
const window = 0x8000_0000n;
/** A synchronous exception from the current level, with SP_ELx. */
const synchronous = 0x200n;
const WXN = 1n << 19n;
/** In ticks of the counter: no counter is faster. */
const SECOND = 1_000_000_000n;
/** Milliseconds for a line of the console. */
const MOST_WAIT = 20_000;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

export class Check {
  readonly rows: Row[] = [];
  readonly #client: RemoteClient;
  readonly #symbols: ReadonlyMap<string, bigint>;
  readonly #console: () => string;

  /** `console`: everything that the guest has printed. The guest is held at its first instruction. */
  constructor(client: RemoteClient, symbols: ReadonlyMap<string, bigint>, console: () => string) {
    this.#client = client;
    this.#symbols = symbols;
    this.#console = console;
  }

  /** Adds one row after another; what cannot be done at all is a bad row, and the last one. */
  async run(): Promise<void> {
    try {
      await this.#client.start();
      await this.#breakpoints();
      await this.#exceptionSyndrome();
      await this.#vectors();
      await this.#translationTable();
      await this.#writeImpliesNoExecute();
      await this.#readOnly();
      await this.#watchpoint();
      await this.#consoleLine();
      await this.#powerOff();
    } catch (error) {
      this.#row('the next step', (error as Error).message, false);
    }
  }

  /** Whether the guest felt every edit. */
  get passed(): boolean {
    return this.rows.length > 0 && this.rows.every(({ good }) => good);
  }

  async #breakpoints(): Promise<void> {
    await this.#to(this.#symbol('one_round'));
    this.#row('software breakpoint at one_round', `stopped at ${await this.#place()}`, await this.#isAt('one_round'));
    const vector = this.#symbol('vectors_a') + synchronous;
    await this.#to(vector, 1);
    this.#row('hardware breakpoint in vectors_a', `stopped at ${await this.#place()}`, (await this.#pc()) === vector);
  }

  /** Stands at the first instruction of the vector, before the handler has read the syndrome. */
  async #exceptionSyndrome(): Promise<void> {
    const old = await this.#client.readRegister('ESR_EL1');
    const edited = old | 0x1234n;
    await this.#client.writeRegister('ESR_EL1', edited);
    await this.#round();
    const seen = await this.#variable('last_esr');
    this.#row(
      `ESR_EL1 ${hex(old)} -> ${hex(edited)}`,
      `the handler read ${hex(seen)}`,
      seen === edited && old !== edited,
    );
  }

  async #vectors(): Promise<void> {
    const before = await this.#letter();
    const vectors = this.#symbol('vectors_b');
    await this.#client.writeRegister('VBAR_EL1', vectors);
    await this.#round();
    const after = await this.#letter();
    this.#row(
      `VBAR_EL1 -> ${hex(vectors)}`,
      `the SVC of the round took vectors ${after}, before ${before}`,
      before === 'A' && after === 'B',
    );
  }

  async #translationTable(): Promise<void> {
    const before = await this.#client.readInteger(window, 8);
    const table = this.#symbol('table_b') | (2n << 48n);
    await this.#client.writeRegister('TTBR0_EL1', table);
    const debugger_ = await this.#client.readInteger(window, 8);
    await this.#round();
    const guest = await this.#variable('word');
    const action = `TTBR0_EL1 -> ${hex(table)}`;
    this.#row(action, `the debugger reads ${hex(debugger_)}, before ${hex(before)}`, before !== debugger_);
    this.#row(action, `the guest loaded ${hex(guest)}`, guest === debugger_ && guest === 0xbbbb_bbbb_bbbb_bbbbn);
  }

  /** The call into the writable page becomes an instruction abort, taken through the vectors edited before. */
  async #writeImpliesNoExecute(): Promise<void> {
    const sctlr = await this.#client.readRegister('SCTLR_EL1');
    await this.#client.writeRegister('SCTLR_EL1', sctlr | WXN);
    await this.#to(this.#symbol('vectors_b') + synchronous, 1);
    const [esr, far] = [await this.#client.readRegister('ESR_EL1'), await this.#client.readRegister('FAR_EL1')];
    const action = `SCTLR_EL1 ${hex(sctlr)} -> ${hex(sctlr | WXN)} (WXN)`;
    this.#row(
      action,
      `exception through vectors_b: ESR ${hex(esr)}, FAR ${hex(far)}`,
      // An instruction abort at the same level, permission fault at level 2.
      esr === 0x8600_000en && far === this.#symbol('writable_code'),
    );
    await this.#round();
    const refused = await this.#variable('answer');
    this.#row(action, `the function did not run: ${refused}`, refused === (await this.#variable('rounds')));
    await this.#client.writeRegister('SCTLR_EL1', sctlr);
    await this.#round();
    const answer = await this.#variable('answer');
    this.#row('SCTLR_EL1 back', `the function ran: ${answer}`, answer === (await this.#variable('rounds')) + 1n);
  }

  async #readOnly(): Promise<void> {
    const before = await this.#client.readRegister('MIDR_EL1');
    const reason = await this.#client.writeRegister('MIDR_EL1', before ^ 1n).then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof RemoteError) return error.message;
        throw error;
      },
    );
    const kept = (await this.#client.readRegister('MIDR_EL1')) === before;
    this.#row(
      `MIDR_EL1 -> ${hex(before ^ 1n)}`,
      `refused: ${reason}`,
      kept && reason?.startsWith('MIDR_EL1 ') === true,
    );
  }

  async #watchpoint(): Promise<void> {
    const address = this.#symbol('rounds');
    const before = await this.#variable('rounds');
    await this.#client.insertBreakpoint(2, address, 8);
    const { pairs } = await this.#client.continue();
    await this.#client.removeBreakpoint(2, address, 8);
    const told = pairs.get('watch') ?? 'nothing';
    await this.#round();
    const after = await this.#variable('rounds');
    this.#row(
      'watchpoint on writes of rounds',
      `told address 0x${told.replace(/^0+/, '')}; rounds ${before} -> ${after}`,
      BigInt(`0x${told === 'nothing' ? 0 : told}`) === address && after > before,
    );
  }

  /** Once a second the guest prints what it has come to: its time is set a second ahead. */
  async #consoleLine(): Promise<void> {
    const from = this.#console().length;
    const line = /round \d+: word b{16}, vectors B\n/;
    const now = await this.#client.readRegister('CNTVCT_EL0');
    await this.#client.writeRegister('CNTVCT_EL0', now + SECOND);
    const stopped = this.#client.continue();
    const end = performance.now() + MOST_WAIT;
    while (performance.now() < end && !line.test(this.#console().slice(from)))
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#client.interrupt();
    await stopped;
    const found = line.exec(this.#console().slice(from))?.[0].trimEnd();
    this.#row('CNTVCT_EL0 + 1000000000', `its console: ${found ?? 'nothing'}`, found !== undefined);
  }

  async #powerOff(): Promise<void> {
    await this.#client.writeInteger(this.#symbol('power_off'), 4, 1n);
    const { kind, signal } = await this.#client.continue();
    this.#row('power_off = 1 in memory', `the guest ended with ${kind}${signal}`, kind === 'W' && signal === 0);
  }

  #row(action: string, seen: string, good: boolean): void {
    this.rows.push({ action, seen, good });
  }

  #symbol(name: string): bigint {
    const address = this.#symbols.get(name);
    if (address === undefined) throw new Error(`the demo guest has no symbol ${name}`);
    return address;
  }

  /** Runs to an address, with a breakpoint of the kind; from there, it runs until it comes there again. */
  async #to(address: bigint, kind: 0 | 1 = 0): Promise<void> {
    if ((await this.#pc()) === address) await this.#client.step();
    await this.#client.insertBreakpoint(kind, address, 4);
    await this.#client.continue();
    await this.#client.removeBreakpoint(kind, address, 4);
  }

  /** Runs to the start of the next round. */
  #round(): Promise<void> {
    return this.#to(this.#symbol('one_round'));
  }

  #pc(): Promise<bigint> {
    return this.#client.readRegister('pc');
  }

  async #isAt(name: string): Promise<boolean> {
    return (await this.#pc()) === this.#symbol(name);
  }

  async #place(): Promise<string> {
    return hex(await this.#pc());
  }

  #variable(name: string): Promise<bigint> {
    return this.#client.readInteger(this.#symbol(name), name === 'power_off' ? 4 : 8);
  }

  async #letter(): Promise<string> {
    return String.fromCharCode(Number(await this.#client.readInteger(this.#symbol('last_vector'), 1)));
  }
}
