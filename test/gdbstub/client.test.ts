import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { escaped, latin1, latin1Text, RemoteClient, RemoteError } from '../../src/gdbstub/client.ts';

/** The server's end of a connection, played by hand. */
class Wire extends EventEmitter {
  sent = '';
  write(bytes: Uint8Array): boolean {
    this.sent += latin1Text(bytes);
    return true;
  }
  destroy(): void {
    this.emit('close');
  }
  /** Takes what the client has sent. */
  take(): string {
    const text = this.sent;
    this.sent = '';
    return text;
  }
  frame(payload: string, checksum?: string): void {
    const sum = [...latin1(payload)].reduce((total, byte) => (total + byte) & 0xff, 0);
    this.bytes(`$${payload}#${checksum ?? sum.toString(16).padStart(2, '0')}`);
  }
  bytes(text: string): void {
    this.emit('data', latin1(text));
  }
}

function connect(): { wire: Wire; client: RemoteClient } {
  const wire = new Wire();
  return { wire, client: new RemoteClient(wire) };
}

describe('frames', () => {
  test('a request is framed and its reply acknowledged', async () => {
    const { wire, client } = connect();
    const reply = client.request('qC');
    expect(wire.take()).toBe('$qC#b4');
    wire.bytes('+');
    wire.frame('QC1');
    expect(await reply).toBe('QC1');
    expect(wire.take()).toBe('+');
  });

  test.each<[payload: string, expected: string]>([
    ['0* ', '0000'],
    ['a}\x03b', 'a#b'],
    ['x* }]', 'xxxx}'],
    ['\xff\x00', '\xff\x00'],
    ['', ''],
  ])('%j is read as %j, byte by byte too', async (payload, expected) => {
    const { wire, client } = connect();
    const whole = client.request('?');
    wire.frame(payload);
    expect(await whole).toBe(expected);
    const slow = client.request('?');
    const sum = [...latin1(payload)].reduce((total, byte) => (total + byte) & 0xff, 0);
    for (const character of `+garbage$${payload}#${sum.toString(16).padStart(2, '0')}`) wire.bytes(character);
    expect(await slow).toBe(expected);
  });

  test('a wrong checksum is refused and a refused frame sent again', async () => {
    const { wire, client } = connect();
    const reply = client.request('g');
    wire.take();
    wire.bytes('-');
    expect(wire.take()).toBe('$g#67');
    wire.frame('00', '00');
    expect(wire.take()).toBe('-');
    wire.frame('00');
    expect(await reply).toBe('00');
  });

  test('without acknowledgements neither is sent', async () => {
    const { wire, client } = connect();
    const started = client.start();
    wire.frame('PacketSize=1000;QStartNoAckMode+');
    await Promise.resolve().then(() => undefined);
    wire.take();
    setImmediate(() => wire.frame('OK'));
    await started;
    wire.take();
    const reply = client.request('?');
    wire.take();
    wire.frame('S05');
    expect(await reply).toBe('S05');
    expect(wire.take()).toBe('');
  });

  test('requests in a row get their replies in order', async () => {
    const { wire, client } = connect();
    const replies = Promise.all(['p0', 'p1', 'p2'].map((packet) => client.request(packet)));
    for (const payload of ['00', '01', '02']) wire.frame(payload);
    expect(await replies).toEqual(['00', '01', '02']);
  });

  test('escaped', () => {
    expect(latin1Text(escaped(latin1('a#$*}b')))).toBe('a}\x03}\x04}\n}]b');
  });

  test('what waits is refused when the connection ends', async () => {
    const { wire, client } = connect();
    const reply = client.request('g');
    wire.destroy();
    await expect(reply).rejects.toThrow('g: the server closed the connection');
    await expect(client.request('g')).rejects.toThrow('closed');
  });
});

describe('replies', () => {
  test('stops are taken apart', async () => {
    const { wire, client } = connect();
    const stop = client.continue();
    expect(wire.take()).toBe('$vCont;c#a8');
    wire.frame('O6869');
    wire.frame('T05thread:1;watch:40000000;20:0000004000000000;');
    expect(await stop).toEqual({
      kind: 'T',
      signal: 5,
      pairs: new Map([
        ['thread', '1'],
        ['watch', '40000000'],
        ['20', '0000004000000000'],
      ]),
    });
    expect(client.output).toBe('hi');
  });

  test('registers by name, little-endian', async () => {
    const { wire, client } = connect();
    const value = client.readRegister('B');
    wire.frame('m<reg name="A" bitsize="64" regnum="1"/><reg name="B" bit');
    await new Promise(setImmediate);
    wire.frame('lsize="32" regnum="49280"/>');
    await new Promise(setImmediate);
    wire.take();
    wire.frame('01020384');
    expect(await value).toBe(0x84030201n);
    const write = client.writeRegister('B', 0x1122n);
    await new Promise(setImmediate);
    expect(wire.take()).toContain('$Pc080=22110000#');
    wire.frame('E.B is read-only');
    const error = await write.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect((error as RemoteError).message).toBe('B is read-only');
  });

  test('monitor text comes as O and as the reply', async () => {
    const { wire, client } = connect();
    const text = client.monitor('help');
    wire.frame('O61');
    wire.frame('62');
    expect(await text).toBe('ab');
  });
});
