/** Packets made from the packet table and then spoilt, thrown at a session. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Effect, type ResumeAction, Session } from '../../src/gdbstub/index.ts';
import { packets } from '../../src/gdbstub/packets/index.ts';
import type { FieldTypes, Part } from '../../src/gdbstub/pattern.ts';
import { frameOf, framesOf, latin1 } from './conversation.ts';
import { LineMachine } from './line-machine.ts';

const hexOf = (value: bigint | number): string => value.toString(16);
const latin1Text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const absurd = [
  '40000000',
  '7fffffff',
  '80000000',
  'ffffffff',
  '100000000',
  'fffffffffffff',
  'ffffffffffffffff',
  '-1',
  '',
  'zz',
];
const number = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 64 }).map(hexOf) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 0x1ffff }).map(hexOf) },
  { weight: 1, arbitrary: fc.constantFrom(...absurd) },
);
const address = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0x4000_0000, max: 0x4010_0010 }).map(hexOf) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 65n) - 1n }).map(hexOf) },
  { weight: 1, arbitrary: fc.constantFrom(...absurd) },
);
const expression = fc
  .uint8Array({ maxLength: 12 })
  .map((bytes) => `X${hexOf(bytes.length + 1)},${Buffer.from(bytes).toString('hex')}27`);
const texts = fc.oneof(
  fc.constantFrom(
    'target.xml',
    'swbreak+;hwbreak+;error-message+',
    'xmlRegisters=i386,arm,mips,arc',
    's:1',
    'c',
    'r40000000,40000010',
    's;c',
    't',
    'C05:1',
    '1',
    '68656c6c6f',
  ),
  fc.array(expression, { maxLength: 3 }).map((list) => list.join('')),
  expression.map((one) => `cmds:0,${one}`),
  fc.string({ unit: 'binary-ascii', maxLength: 20 }),
);
const bytes = fc.uint8Array({ maxLength: 24 });

const fields: { readonly [Type in keyof FieldTypes]: fc.Arbitrary<string> } = {
  int: number,
  address,
  hex: bytes.map((data) => Buffer.from(data).toString('hex')),
  binary: bytes.map(latin1Text),
  text: texts,
  thread: fc.constantFrom('0', '1', '-1', '2', 'p1.1', 'p1', 'p0.-1', 'x'),
};

const part = (one: Part): fc.Arbitrary<string> =>
  one instanceof Uint8Array ? fc.constant(latin1Text(one)) : fields[one.type];

/** A packet of the table, its optional parts there or not. */
const ofTable = fc.constantFrom(...packets).chain(({ pattern }) =>
  fc
    .tuple(
      ...pattern.groups.map(({ optional, parts }) => {
        const all = fc.tuple(...parts.map(part)).map((pieces) => pieces.join(''));
        return optional ? fc.oneof(all, fc.constant('')) : all;
      }),
    )
    .map((groups) => groups.join('')),
);

const escaped = (payload: string): string =>
  payload.replace(/[#$*}]/g, (byte) => `}${String.fromCharCode(byte.charCodeAt(0) ^ 0x20)}`);

/** What happens to it on its way: mostly nothing. */
const spoilt = fc
  .tuple(ofTable, fc.integer({ min: 0, max: 15 }), fc.nat(), fc.integer({ min: 0, max: 255 }))
  .map(([payload, how, where, byte]) => {
    const at = payload.length === 0 ? 0 : where % payload.length;
    const character = String.fromCharCode(byte);
    switch (how) {
      case 0:
        return frameOf(escaped(payload.slice(0, at)));
      case 1:
        return frameOf(escaped(payload + character));
      case 2:
        return frameOf(escaped(payload.slice(0, at) + character + payload.slice(at + 1)));
      case 3:
        return frameOf(escaped(payload.slice(0, at) + payload.slice(at).repeat(3)));
      case 4:
        return `${frameOf(escaped(payload)).slice(0, -2)}${character}0`;
      case 5:
        return `${character}${frameOf(escaped(payload))}\x03`;
      case 6:
        return frameOf(`${payload}*${character}`);
      case 7:
        return `${frameOf(escaped(payload))}-+`;
      default:
        return frameOf(escaped(payload));
    }
  });

/** Anything that a server may say. Texts of errors, JSON and XML are not looked into. */
const legal =
  /^(|OK|E[0-9a-f]{2}(;[0-9a-f]*)?|E\.[^#$*}]+|([0-9a-f]{2}|xx)*|[TWX][0-9a-f]{2}.*|O([0-9a-f]{2})+|[ml].*|b.*|QC\d+|1|0|1,[0-9a-f]+|C[0-9a-f]{1,8}|\d+|vCont;.*|PacketSize=.*|Text=0;Data=0;Bss=0|(name|num|start|triple|pid):.*;|\[\{.*\}\]|qEcho:.*)$/s;

/** Undoes run lengths and escapes. */
function plain(payload: string): string {
  if (!/[}*]/.test(payload)) return payload;
  let out = '';
  for (let at = 0; at < payload.length; at++) {
    if (payload[at] === '}') out += String.fromCharCode(payload.charCodeAt(++at) ^ 0x20);
    else if (payload[at] === '*') out += out.at(-1)!.repeat(payload.charCodeAt(++at) - 29);
    else out += payload[at];
  }
  return out;
}

class Victim {
  readonly machine = new LineMachine();
  readonly session = new Session(this.machine);
  sent = 0;
  longest = 0;
  readonly kinds = new Set<string>();

  constructor() {
    this.machine.slice = 100;
    this.perform(this.session.opened('stopped'));
  }

  perform(effects: readonly Effect[]): void {
    const todo = [...effects];
    let resumes = 0;
    for (let effect = todo.shift(); effect; effect = todo.shift()) {
      if (effect.kind === 'send') this.#check(Buffer.from(effect.bytes).toString('latin1'));
      else if (effect.kind === 'interrupt' && this.#running) todo.unshift(...this.#stop());
      else if (effect.kind === 'resume') {
        // Conditions that are false for ever would go on for ever.
        if (++resumes % 50 === 0) todo.push(...this.session.receive(Uint8Array.of(3)));
        todo.unshift(...this.#resume(effect.actions));
      }
    }
    if (this.session.full) this.perform(this.session.drained());
    else if (this.#running && this.session.attached) this.perform(this.session.receive(Uint8Array.of(3)));
  }

  #running: boolean = false;

  #resume(actions: readonly ResumeAction[]): readonly Effect[] {
    const answer = this.machine.execution.resume(actions);
    if (!(answer instanceof Promise)) return this.session.stopped(answer);
    this.machine.execution.interrupt();
    this.#running = true;
    return this.session.running();
  }

  #stop(): readonly Effect[] {
    this.#running = false;
    return this.session.stopped({ kind: 'interrupted', thread: 1 });
  }

  #check(raw: string): void {
    const frames = framesOf(raw);
    if (!frames) throw new Error(`wrong frames ${JSON.stringify(raw.slice(0, 200))}`);
    for (const frame of frames) {
      if (frame.length === 1) continue;
      this.sent++;
      this.longest = Math.max(this.longest, frame.length);
      const payload = plain(frame.slice(1, -3));
      this.kinds.add(payload.slice(0, 1));
      if (!legal.test(payload) && !this.lldb) expect.fail(`illegal reply ${JSON.stringify(payload.slice(0, 200))}`);
    }
  }

  get lldb(): boolean {
    return this.session.client === 'lldb';
  }
}

test('two hundred thousand packets: no crash, no hang, no reply that is not legal', () => {
  const wanted = 200_000;
  const perRun = 100;
  const journal = { packets: 0, sent: 0, longest: 0, kinds: new Set<string>() };
  fc.assert(
    fc.property(
      fc.array(spoilt, { minLength: perRun, maxLength: perRun }),
      fc.integer({ min: 0, max: 40 }),
      (list, cut) => {
        let victim = new Victim();
        for (const raw of list) {
          // After k the client is gone: the next packets come from a new one.
          if (victim.session.left) victim = new Victim();
          const sent = latin1(raw);
          victim.perform(victim.session.receive(sent.subarray(0, cut)));
          victim.perform(victim.session.receive(sent.subarray(cut)));
          victim.machine.journal.resumes.length = 0;
        }
        journal.packets += list.length;
        journal.sent += victim.sent;
        journal.longest = Math.max(journal.longest, victim.longest);
        for (const kind of victim.kinds) journal.kinds.add(kind);
      },
    ),
    { numRuns: wanted / perRun, endOnFailure: true },
  );
  expect(journal.packets).toBeGreaterThanOrEqual(wanted);
  // Not all of them into the void: most are answered, and in every way.
  expect(journal.sent).toBeGreaterThan(wanted / 3);
  expect(journal.longest).toBeLessThan(3 * 0x20000);
  for (const kind of ['', 'O', 'E', 'T', 'm', 'l', 'b', '0', 'P', 'Q']) expect(journal.kinds).toContain(kind);
}, 120_000);
