import { describe, expect, test } from 'vitest';
import { type Effect, Session, TargetError } from '../../src/gdbstub/index.ts';
import { Conversation, frameOf, framesOf, latin1 } from './conversation.ts';
import { base, LineMachine, Reg } from './line-machine.ts';

const payloads = (raw: string): readonly string[] =>
  framesOf(raw)!
    .filter((frame) => frame.length > 1)
    .map((frame) => frame.slice(1, -3));

async function noAck(conversation = new Conversation()): Promise<Conversation> {
  await conversation.open();
  await conversation.ask('QStartNoAckMode');
  conversation.effects.length = 0;
  return conversation;
}

const text = (effects: readonly Effect[]): string =>
  effects.map((effect) => (effect.kind === 'send' ? Buffer.from(effect.bytes).toString('latin1') : '')).join('');

describe('sending', () => {
  test('all answers to one chunk are sent together', async () => {
    const conversation = await noAck();
    await conversation.send(frameOf('p1f').repeat(32));
    expect(conversation.effects).toEqual(['send']);
    expect(payloads(conversation.take())).toEqual(new Array(32).fill('0080004000000000'));
  });

  test('many minuses in one chunk are answered once', async () => {
    const conversation = new Conversation();
    await conversation.open();
    await conversation.ask('qC');
    await conversation.send('-'.repeat(1000));
    expect(payloads(conversation.take())).toEqual(['QC1']);
    await conversation.send('-');
    expect(payloads(conversation.take())).toEqual(['QC1']);
  });

  test('a stop that comes at once is sent together with the acknowledgement', async () => {
    const conversation = await new Conversation().open();
    expect(await conversation.ask('s')).toMatch(/^\+\$T05/);
    expect(conversation.effects).toEqual(['resume', 'send']);
  });

  test('an acknowledgement does not wait for a stop that comes later', async () => {
    const conversation = await new Conversation().open();
    expect(await conversation.ask('c')).toBe('+');
    await conversation.send('\x03');
    expect(payloads(conversation.take())[0]).toMatch(/^T02/);
  });

  test('small requests for large replies are not all answered before the first is sent', async () => {
    const machine = new LineMachine();
    for (let index = 0; index < machine.bytes.length; index++) machine.bytes[index] = index * 7 + (index >> 8);
    const session = new Session(machine);
    session.opened('stopped');
    session.receive(latin1(frameOf('QStartNoAckMode')));
    let sent = text(session.receive(latin1(frameOf('m40000000,10000').repeat(100))));
    expect(session.full).toBe(true);
    expect(sent.length).toBeLessThan(2 << 20);
    let rounds = 1;
    let replies = 0;
    for (; session.full; rounds++) {
      replies += payloads(sent).length;
      sent = text(session.drained());
    }
    expect(replies + payloads(sent).length).toBe(100);
    expect(rounds).toBeGreaterThan(10);
  });

  test('long ranges are looked through only up to a bound for all that comes in one piece', async () => {
    const conversation = await noAck();
    const crc = 'qCRC:40000000,100000';
    await conversation.send(frameOf(crc).repeat(300));
    const replies = payloads(conversation.take());
    expect(replies.slice(0, 256)).toEqual(new Array(256).fill(replies[0]));
    expect(replies[0]).toMatch(/^C/);
    expect(replies.slice(256)).toEqual(new Array(44).fill('E.more than 268435456 bytes at a time are not looked at'));
    expect(payloads(await conversation.ask(crc))).toEqual([replies[0]]);
  });

  test('what was sent is not written over while the server still needs it', () => {
    const session = new Session(new LineMachine());
    session.opened('stopped');
    const ask = (packet: string) => session.receive(latin1(frameOf(packet)));
    const needed = [...ask('qC')];
    session.keepSent(true);
    for (let count = 0; count < 3; count++) {
      needed.push(...ask('qC'));
      session.keepSent(false);
    }
    ask('g');
    expect(text(needed)).toBe(`+${frameOf('QC1')}`.repeat(4));
  });

  test('what an earlier reply needed is used again', () => {
    const session = new Session(new LineMachine());
    session.opened('stopped');
    const buffers = new Set<ArrayBufferLike>();
    for (let count = 0; count < 9; count++) {
      for (const effect of session.receive(latin1(frameOf('g'))))
        if (effect.kind === 'send') buffers.add(effect.bytes.buffer);
      session.keepSent(true);
    }
    expect(buffers.size).toBe(2);
  });
});

describe('waiting', () => {
  test('a client that sends without end while the machine runs is sent away', async () => {
    const conversation = await noAck();
    await conversation.ask('c');
    const many = frameOf(`X40000000,1000:${'a'.repeat(0x1000)}`).repeat(16);
    for (let count = 0; count < 200 && !conversation.effects.includes('close'); count++) await conversation.send(many);
    expect(conversation.effects).toContain('close');
    expect(conversation.session.left).toBe(true);
    expect(conversation.take()).toBe('');
    conversation.machine.execution.interrupt();
  });

  test('an interrupt behind waiting packets is acted on at once', async () => {
    const conversation = await noAck();
    await conversation.send(`${frameOf('c')}${frameOf('qC')}\x03${frameOf('p1f')}`);
    const [stop, ...rest] = payloads(conversation.take());
    expect(stop).toMatch(/^T02/);
    expect(rest).toEqual(['QC1', '0080004000000000']);
  });

  test('a debugger that comes while the machine runs is answered when it stands still', async () => {
    const conversation = new Conversation();
    await conversation.open('running');
    expect(conversation.machine.journal.interrupts).toBe(1);
    expect(payloads(await conversation.ask('?'))[0]).toMatch(/^T05thread:1;/);
  });
});

describe('going', () => {
  test.each(['D', 'k', 'vKill;1'])(
    '%s removes the breakpoints of this debugger and lets the machine go',
    async (packet) => {
      const conversation = await noAck();
      await conversation.ask('Z0,40000100,4');
      await conversation.ask('Z2,40000200,8');
      await conversation.ask(packet);
      const { machine } = conversation;
      expect(machine.points.size).toBe(0);
      expect(machine.journal.attached).toEqual([true, false]);
      expect(machine.journal.resumes).toEqual([[{ thread: 1, kind: 'continue', signal: 0 }]]);
      machine.execution.interrupt();
    },
  );

  test('a connection that is lost while the machine stands still', async () => {
    const conversation = await noAck();
    await conversation.ask('Z0,40000100,4');
    await conversation.close();
    expect(conversation.machine.points.size).toBe(0);
    expect(conversation.effects.at(-1)).toBe('resume');
    expect(conversation.session.left).toBe(true);
    conversation.machine.execution.interrupt();
  });

  test('a connection that is lost while the machine runs: it is halted, cleaned, and runs on', async () => {
    const conversation = await noAck();
    await conversation.ask('Z0,50000000,4');
    await conversation.ask('Z1,40000ffe,4');
    await conversation.ask('c');
    conversation.effects.length = 0;
    await conversation.close();
    expect(conversation.effects).toEqual(['interrupt', 'resume']);
    expect(conversation.machine.points.size).toBe(0);
    expect(conversation.machine.journal.attached).toEqual([true, false]);
    conversation.machine.execution.interrupt();
  });

  test('a connection that is closed after a detach leaves the machine alone', async () => {
    const conversation = await noAck();
    await conversation.ask('D');
    conversation.effects.length = 0;
    await conversation.close();
    expect(conversation.effects).toEqual([]);
    expect(conversation.session.left).toBe(true);
    conversation.machine.execution.interrupt();
  });

  test('a connection that is lost while the machine is being halted again: it runs on', async () => {
    const session = new Session(new LineMachine());
    session.opened('stopped');
    session.receive(latin1(frameOf('D')));
    session.running();
    expect(session.receive(latin1(frameOf('vAttach;1'))).map(({ kind }) => kind)).toEqual(['send', 'interrupt']);
    expect(session.closed()).toEqual([]);
    expect(session.left).toBe(false);
    expect(session.stopped({ kind: 'interrupted', thread: 1 }).map(({ kind }) => kind)).toEqual(['resume']);
    expect(session.left).toBe(true);
  });

  test('a restart that fails after a detach lets the machine go on', async () => {
    const machine = Object.assign(new LineMachine(), { reset: () => new TargetError('no') });
    const conversation = await noAck(new Conversation({}, machine as unknown as LineMachine));
    await conversation.ask('D');
    conversation.effects.length = 0;
    expect(payloads(await conversation.ask('vRun;'))).toEqual(['E.no']);
    expect(conversation.effects).toEqual(['interrupt', 'resume', 'send']);
    expect(conversation.session.attached).toBe(false);
    machine.execution.interrupt();
  });

  test('the machine can be told to stay', async () => {
    const conversation = await noAck(new Conversation({ onDetach: 'stay' }));
    await conversation.close();
    expect(conversation.effects).toEqual([]);
    expect(conversation.session.left).toBe(true);
  });

  test('a machine that has ended is not let go again, and says so', async () => {
    const conversation = await noAck();
    conversation.machine.left = 3;
    expect(payloads(await conversation.ask('c'))).toEqual(['W00']);
    expect(payloads(await conversation.ask('?'))).toEqual(['W00']);
    expect(payloads(await conversation.ask('s'))).toEqual(['W00']);
    expect(conversation.machine.journal.resumes.length).toBe(1);
    await conversation.close();
    expect(conversation.machine.journal.resumes.length).toBe(1);
  });
});

describe('conditions', () => {
  test('an interrupt works while a false condition is passed again and again', async () => {
    const machine = new LineMachine();
    const session = new Session(machine);
    session.opened('stopped');
    session.receive(latin1(frameOf('QStartNoAckMode')));
    session.receive(latin1(frameOf('Z0,40000008,4;X3,220027')));
    let effects = session.receive(latin1(frameOf('c')));
    for (let passes = 0; passes < 100; passes++) {
      expect(effects.map(({ kind }) => kind)).toEqual(['resume']);
      const [effect] = effects as readonly (Effect & { kind: 'resume' })[];
      const stop = machine.execution.resume(effect.actions);
      if (passes === 50) expect(session.receive(latin1('\x03')).map(({ kind }) => kind)).toEqual(['interrupt']);
      effects = stop instanceof Promise ? [] : session.stopped(stop);
      if (effects.some(({ kind }) => kind === 'send')) break;
    }
    expect(text(effects)).toMatch(/^\$T02/);
    // The breakpoint that was out of the way is back.
    expect(machine.points.size).toBe(1);
  });

  test('the breakpoint is out of the machine only for the one step', async () => {
    const conversation = await noAck();
    await conversation.ask('Z0,40000008,4;X3,220027');
    await conversation.ask('Z1,40000008,4;X3,220027');
    await conversation.ask('Z1,40000010,4');
    await conversation.ask('c');
    expect(conversation.machine.pc).toBe(base + 0x10n);
    expect(conversation.machine.points.size).toBe(3);
    expect(conversation.machine.journal.resumes.map(([{ kind }]) => kind)).toEqual(['continue', 'step', 'continue']);
  });

  test('a breakpoint right behind one that is stepped over is not missed', async () => {
    const conversation = await noAck();
    await conversation.ask('Z0,40000008,4;X3,220027');
    await conversation.ask('Z0,4000000c,4');
    expect(payloads(await conversation.ask('c'))[0]).toMatch(/^T05thread:1;20:0c00004000000000/);
  });

  test('conditions and commands do not grow without bound', async () => {
    const conversation = await noAck();
    const program = `${'2200'.repeat(90)}${'29'.repeat(89)}`.repeat(200);
    const condition = `X${(program.length / 2 + 1).toString(16)},${program}27`;
    let reply = '';
    for (let count = 0; count < 200 && !reply.startsWith('E'); count++)
      [reply] = payloads(await conversation.ask(`Z0,${(base + BigInt(4 * count)).toString(16)},4;${condition}`));
    expect(reply).toBe('E.there is no room for more conditions and commands');
  });

  test('registers of any number can be looked at', async () => {
    const conversation = await noAck();
    conversation.machine.values.set(Reg.free, 0x1_0000_0000n);
    // reg c600; const32 1; const8 32; lsh; equal
    await conversation.ask('Z0,40000008,4;X10,26c6002400000001222009130027'.replace('X10', 'Xd').replace('0027', '27'));
    await conversation.ask('Z0,40000020,4');
    await conversation.ask('c');
    expect(conversation.machine.pc).toBe(base + 8n);
  });
});

test('lldb is known before the description is read, and a late sign of it still counts', async () => {
  const conversation = await noAck();
  const xml = async (): Promise<string> =>
    payloads(await conversation.ask('qXfer:features:read:target.xml:0,10000')).join('');
  expect(await xml()).toContain('line.gdb');
  await conversation.ask('QThreadSuffixSupported');
  expect(await xml()).toContain('line.lldb');
});

test('at most so many sets of registers are kept', async () => {
  const conversation = await noAck();
  for (let count = 0; count < 100; count++) await conversation.ask('QSaveRegisterState');
  expect(conversation.session.savedRegisters.size).toBe(64);
  expect(payloads(await conversation.ask('QRestoreRegisterState:1'))[0]).toMatch(/^E/);
  expect(payloads(await conversation.ask('QRestoreRegisterState:100'))).toEqual(['OK']);
});

describe('two threads', () => {
  const start = (): { session: Session; ask: (packet: string) => { sent: string; actions?: unknown } } => {
    const machine = Object.assign(new LineMachine(), {
      threads: { list: () => [1, 2], name: (thread: number) => `cpu${thread - 1}`, extra: () => 'x' },
    });
    const session = new Session(machine);
    session.opened('stopped');
    session.receive(latin1(frameOf('QStartNoAckMode')));
    const ask = (packet: string): { sent: string; actions?: unknown } => {
      const effects = session.receive(latin1(frameOf(packet)));
      return { sent: text(effects), actions: effects.find((effect) => effect.kind === 'resume')?.actions };
    };
    return { session, ask };
  };
  const go = (thread: number, kind: string, signal = 0): object => ({ thread, kind, signal });

  test.each<[string, string, object[]]>([
    ['', 'c', [go(1, 'continue'), go(2, 'continue')]],
    ['', 's', [go(1, 'step'), go(2, 'continue')]],
    ['Hc2', 's', [go(2, 'step')]],
    ['Hc2', 'C05', [go(2, 'continue', 5)]],
    ['Hg2', 's', [go(2, 'step'), go(1, 'continue')]],
    ['', 'vCont;s:2', [go(2, 'step')]],
    ['', 'vCont;s:2;c', [go(2, 'step'), go(1, 'continue')]],
    ['', 'vCont;s:2;c:p1.1', [go(2, 'step'), go(1, 'continue')]],
    ['', 'vCont;t:1;c:-1', [go(2, 'continue')]],
    ['', 'vCont;c;s:2', [go(1, 'continue'), go(2, 'continue')]],
  ])('%s %s', (before, packet, actions) => {
    const { ask } = start();
    if (before) expect(ask(before).sent).toBe(frameOf('OK'));
    expect(ask(packet).actions).toEqual(actions);
  });

  test('the thread that stopped is chosen, and lldb is told of both', () => {
    const { session, ask } = start();
    ask('QListThreadsInStopReply');
    ask('vCont;c');
    expect(text(session.stopped({ kind: 'step', thread: 2 }))).toContain(
      'T05thread:2;name:cpu1;threads:1,2;thread-pcs:40000000,40000000;',
    );
    expect(ask('qC').sent).toBe(frameOf('QC2'));
    // lldb says c for all of them.
    expect(ask('c').actions).toHaveLength(2);
    session.stopped({ kind: 'step', thread: 2 });
    expect(ask('qThreadStopInfo1').sent).toContain('T00thread:1;name:cpu0;');
    expect(payloads(ask('jThreadsInfo').sent)[0]).toMatch(/"tid":1.*"reason":"none".*"tid":2.*"reason":"trace"/);
  });
});
