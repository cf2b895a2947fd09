/** VS Code's debug adapters, without the editor: the launch configurations of docs/CLIENTS.md, used as they stand there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { invitation } from '../../bin/demo/invitation.ts';
import { builtCommand } from '../bin/command.ts';
import { DebugAdapter } from './dap.ts';
import { demoFolder, demoSymbol, root, type Served, serveDemo } from './fixture.ts';

interface Configuration {
  readonly type: 'gdbtarget' | 'lldb-dap';
  readonly request: 'attach' | 'launch';
  readonly name: string;
}

const document = readFileSync(path.join(root, 'docs/CLIENTS.md'), 'utf8');
const blocks = [...document.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, text]) => text);
const documented = blocks.flatMap((text) => (JSON.parse(text) as { configurations: Configuration[] }).configurations);

const adapters = {
  gdbtarget: [
    process.execPath,
    path.join(import.meta.dirname, 'adapters/node_modules/cdt-gdb-adapter/dist/debugTargetAdapter.js'),
  ],
  'lldb-dap': ['lldb-dap-19'],
};

/** As VS Code hands it to the adapter, with another port. */
function filledIn(configuration: Configuration, port: number): Configuration {
  const text = JSON.stringify(configuration)
    .replaceAll(/\$\{workspaceFolder\}/g, root)
    .replace(/\b1234\b/g, String(port));
  return JSON.parse(text) as Configuration;
}

const configuration = (name: string, port = 0): Configuration => {
  const found = documented.find((one) => one.name === name);
  if (!found) throw new Error(`docs/CLIENTS.md has no configuration ${name}`);
  return filledIn(found, port);
};

interface Session {
  readonly adapter: DebugAdapter;
  /** Sets the breakpoints of guest.c, in place of those before; the lines that have one now. */
  breakAt(...lines: number[]): Promise<number[]>;
  /** Goes on to the next stop. */
  goOn(): Promise<void>;
  /** What the variables view shows below Registers. */
  registers(): Promise<readonly Variable[]>;
  set(name: string, value: string): ReturnType<DebugAdapter['send']>;
}

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
  /** Where it stands. */
  readonly container: number;
}

/** Does what VS Code does from the start of a session to the first stop. */
async function start(given: Configuration, lines: number[]): Promise<Session> {
  const [command, ...args] = adapters[given.type];
  const adapter = new DebugAdapter(command, args);
  onTestFinished(() => adapter.end());
  await adapter.request('initialize', {
    clientID: 'vscode',
    adapterID: given.type,
    pathFormat: 'path',
    linesStartAt1: true,
    columnsStartAt1: true,
  });
  const begun = adapter.request(given.request, given);
  await Promise.race([adapter.event('initialized'), begun.then(() => adapter.event('initialized'))]);
  const breakAt = async (...wanted: number[]): Promise<number[]> => {
    const { breakpoints } = await adapter.request('setBreakpoints', {
      source: { name: 'guest.c', path: path.join(demoFolder, 'guest.c') },
      breakpoints: wanted.map((line) => ({ line })),
    });
    return breakpoints
      .filter(({ verified }: { verified: boolean }) => verified)
      .map(({ line }: { line: number }) => line);
  };
  expect(await breakAt(...lines)).toEqual(lines);
  await adapter.request('configurationDone');
  await begun;
  const threadId = 1;
  let variables: readonly Variable[] = [];
  const children = async (variablesReference: number): Promise<Variable[]> => {
    const answer = await adapter.request('variables', { variablesReference });
    return answer.variables.map((one: Variable) => ({ ...one, container: variablesReference }));
  };
  const registers = async (): Promise<readonly Variable[]> => {
    const { scopes } = await adapter.request('scopes', { frameId: await topFrame(adapter) });
    const scope = scopes.find(({ name }: { name: string }) => name === 'Registers');
    const first = await children(scope.variablesReference);
    // lldb-dap has a level of groups.
    const groups = given.type === 'lldb-dap' ? first : [];
    variables = [...first, ...(await Promise.all(groups.map((group) => children(group.variablesReference)))).flat()];
    return variables;
  };
  return {
    adapter,
    breakAt,
    goOn: async () => {
      // lldb-dap sometimes tells one stop twice.
      adapter.forget('stopped');
      await adapter.request('continue', { threadId });
      await adapter.event('stopped');
    },
    registers,
    set: async (name, value) => {
      const found = (await registers()).find((one) => one.name === name);
      if (!found) throw new Error(`no register ${name}`);
      return adapter.send('setVariable', { variablesReference: found.container, name, value });
    },
  };
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
/** Lines of demo/guest.c. */
const lineOf = (text: string): number =>
  readFileSync(path.join(demoFolder, 'guest.c'), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text)) + 1;
const callLine = lineOf('answer = writable_code(rounds)');

async function topFrame(adapter: DebugAdapter): Promise<number> {
  const { stackFrames } = await adapter.request('stackTrace', { threadId: 1, startFrame: 0, levels: 20 });
  return stackFrames[0].id;
}

/** At the call in the guest's loop. */
async function isAtCall({ adapter }: Session): Promise<void> {
  const stack = await adapter.request('stackTrace', { threadId: 1, startFrame: 0, levels: 20 });
  expect(stack.stackFrames[0]).toMatchObject({
    name: 'one_round',
    line: callLine,
    source: { path: path.join(demoFolder, 'guest.c') },
  });
  expect(stack.stackFrames[1]).toMatchObject({ name: 'main' });
}

async function editsReachTheGuest(session: Session, served: Served): Promise<void> {
  const { adapter, set, goOn, breakAt, registers } = session;
  const value = async (name: string) => BigInt((await registers()).find((one) => one.name === name)?.value ?? -1);
  expect(await value('VBAR_EL1')).toBe(demoSymbol('vectors_a'));
  const vectors = hex(demoSymbol('vectors_b'));
  expect(await set('VBAR_EL1', vectors)).toMatchObject({ success: true });
  expect(await set('TTBR0_EL1', hex((2n << 48n) | demoSymbol('table_b')))).toMatchObject({ success: true });
  expect(await value('VBAR_EL1')).toBe(demoSymbol('vectors_b'));
  // Refused, and nothing has changed.
  expect(await set('MIDR_EL1', '0x1')).toMatchObject({ success: false });
  expect(served.held('MIDR_EL1')).not.toBe(1n);
  // The next round's load went through the new table, this round's SVC through the new vectors.
  await goOn();
  expect(hex(served.memory(demoSymbol('word')))).toBe(`0x${'b'.repeat(16)}`);
  expect(String.fromCharCode(Number(served.memory(demoSymbol('last_vector')) & 0xffn))).toBe('B');
  // Disconnected, the guest runs on with what was edited, and says so.
  expect(await breakAt()).toEqual([]);
  const printed = served.console().length;
  await adapter.end();
  await expect
    .poll(() => served.console().slice(printed), { timeout: 15_000 })
    .toMatch(/round \d+: word b{16}, vectors B\n/);
}

describe.each(['demo, by gdb', 'demo, by lldb'])('%s', (name) => {
  test('attaches to the running guest, stops at a source line, shows registers, and edits reach the guest', async () => {
    const served = await serveDemo({ running: true });
    const session = await start(configuration(name, served.port), [callLine]);
    await session.adapter.event('stopped');
    // lldb-dap tells where it found the guest.
    if (name.endsWith('lldb')) await session.goOn();
    await isAtCall(session);
    const names = (await session.registers()).map((one) => one.name);
    for (const wanted of ['x0', 'pc', 'cpsr', 'SCTLR_EL1', 'CNTV_CVAL_EL0']) expect(names).toContain(wanted);
    await editsReachTheGuest(session, served);
  });
});

test('demo, by gdb: a field is set in Watch', async () => {
  const served = await serveDemo();
  const { adapter } = await start(configuration('demo, by gdb', served.port), [callLine]);
  await adapter.event('stopped');
  const frameId = await topFrame(adapter);
  const watched = await adapter.request('evaluate', { expression: '$sctlr_el1', frameId, context: 'watch' });
  const { variablesReference } = watched;
  const { variables } = await adapter.request('variables', { variablesReference });
  expect(variables).toContainEqual(expect.objectContaining({ name: 'WXN', value: 'false' }));
  const before = served.held('SCTLR_EL1');
  await adapter.request('setVariable', { variablesReference, name: 'WXN', value: '1' });
  expect(hex(served.held('SCTLR_EL1'))).toBe(hex(before | (1n << 19n)));
});

test('demo, by lldb: the Debug Console takes commands of lldb, and those of the stub', async () => {
  const served = await serveDemo();
  const { adapter } = await start(configuration('demo, by lldb', served.port), []);
  await adapter.event('stopped');
  const frameId = await topFrame(adapter);
  const say = async (expression: string): Promise<string> =>
    (await adapter.request('evaluate', { expression, frameId, context: 'repl' })).result;
  expect(await say('register read sctlr_el1')).toContain('M = MMU off');
  await say('process plugin packet monitor sysreg SCTLR_EL1.WXN=1');
  expect(served.held('SCTLR_EL1')).toBe(0x30dd_0998n);
});

test('demo, started by VS Code: the adapter starts the stub, and ends it', async () => {
  const [node, command] = [process.execPath, builtCommand()].map((name) => JSON.stringify(name));
  const text = JSON.stringify(configuration('demo, started by VS Code'))
    .replace('"npx"', node)
    .replace('"arm-gdbstub"', command);
  const { adapter, set, breakAt } = await start(JSON.parse(text) as Configuration, [callLine]);
  await adapter.event('stopped');
  expect(await set('VBAR_EL1', hex(demoSymbol('vectors_b')))).toMatchObject({ success: true });
  // The Debug Console takes any command of gdb behind a >, and prints the reason of a refusal.
  const refused = await adapter.send('evaluate', { expression: '>set $MIDR_EL1 = 1', context: 'repl' });
  expect(refused.message).toContain('MIDR_EL1 is read-only');
  await adapter.request('evaluate', { expression: '>set $sctlr_el1.A = 1', context: 'repl' });
  await adapter.request('evaluate', { expression: '>monitor sysreg SCTLR_EL1', context: 'repl' });
  expect(adapter.log).toMatch(/^ +A +1 +1 +/m);
  await breakAt();
  await adapter.request('continue', { threadId: 1 });
  await expect.poll(() => adapter.log, { timeout: 15_000 }).toMatch(/round \d+: word a{16}, vectors B\n/);
  const port = Number(/waiting for a debugger at tcp:127\.0\.0\.1:(\d+)/.exec(adapter.log)?.[1]);
  await adapter.end();
  const socket = net.connect(port, '127.0.0.1');
  await expect(new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))).rejects.toThrow(
    'ECONNREFUSED',
  );
});

describe('what `demo` prints to be pasted', () => {
  const printed = (port: number): string => invitation({ kind: 'tcp', host: '127.0.0.1', port });

  test.each(['gdb-multiarch', 'lldb'])('the line for %s', async (program) => {
    const served = await serveDemo();
    const line = new RegExp(`^ +(${program} .*)$`, 'm').exec(printed(served.port))?.[1] ?? '';
    const said = await shell(line.replace(/^lldb /, 'lldb-19 '), 'list\nquit\n');
    expect(said).toMatch(/^(_start \(\) at start\.S|Process 1 stopped)/m);
    expect(said).toContain('ldr     x0, =stack_top');
  });

  test.each(['gdbtarget', 'lldb-dap'])('the configuration of %s', async (type) => {
    const served = await serveDemo();
    const all = [...printed(served.port).matchAll(/^ +(\{.*\})$/gm)].map(
      ([, text]) => JSON.parse(text) as Configuration,
    );
    const session = await start(all.find((one) => one.type === type)!, [callLine]);
    await session.adapter.event('stopped');
    if (type === 'gdbtarget') await isAtCall(session);
  });
});

function shell(command: string, input: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile('sh', ['-c', `${command} 2>&1`], { timeout: 10_000 }, (_error, text) => resolve(text));
    child.stdin?.end(input);
  });
}
