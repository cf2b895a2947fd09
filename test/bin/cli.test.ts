import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { builtCommand, type Finished, run } from './command.ts';

beforeAll(() => void builtCommand());

/** No mistake of a user shows a stack trace. */
function expectMistake({ code, stdout, stderr }: Finished, message: string): void {
  expect(stderr).toContain(`arm-gdbstub: ${message}`);
  expect(stderr).not.toMatch(/^ +at |node:/m);
  expect(stdout).toBe('');
  expect(code).toBe(2);
}

describe('mistakes on the command line', () => {
  test.each<[args: string[], message: string]>([
    [[], 'a command is missing'],
    [['regsiters'], 'there is no command regsiters; did you mean registers?'],
    [['bogus'], 'there is no command bogus'],
    [['registers', '--jsn'], 'there is no option --jsn; did you mean --json?'],
    [['registers', '-q'], 'there is no option -q'],
    [['registers', 'A', 'B'], 'B is too much'],
    [['registers', 'SCTRL_EL1'], 'there is no system register SCTRL_EL1; did you mean SCTLR_EL1?'],
    [['registers', 'NO*'], 'NO* matches no register'],
    [['explain', 'ESR_EL1'], 'Not enough non-option arguments'],
    [['explain', 'ESR_EL9', '1'], 'there is no system register ESR_EL9; did you mean'],
    [['explain', 'ESR_EL1', '0xq'], '0xq is no number: write 42, 0x2a or 0b101010'],
    [['explain', 'ESR_EL1', '0x10000000000000000'], '0x10000000000000000 does not fit into 64 bits'],
  ])('%j', async (args, message) => {
    expectMistake(await run(...args), message);
  });
});

test('--version is that of the package', async () => {
  expect(await run('--version')).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
});

test.each([[[]], [['run']], [['demo']], [['registers']], [['explain']]])(
  '--help of %j has examples and speaks English',
  async (args) => {
    const { code, stdout } = await run(...args, '--help');
    expect(code).toBe(0);
    expect(stdout).toContain(args.length > 0 ? 'Examples:' : 'Commands:');
    expect(stdout).toContain('Show help');
  },
);

describe('registers', () => {
  test('all as JSON, with everything that is asked for', async () => {
    const { code, stdout } = await run('registers', '--json');
    expect(code).toBe(0);
    const all = JSON.parse(stdout) as {
      name: string;
      encoding: number[] | null;
      bits: number;
      group: string;
      access: string;
      fields: { name: string; high: number; low: number }[];
    }[];
    expect(all.length).toBeGreaterThan(300);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { name, encoding, access, fields, bits } of all) {
      expect(encoding === null || encoding.length === 5, name).toBe(true);
      expect(['RW', 'RO', 'WO']).toContain(access);
      for (const field of fields) expect(field.low <= field.high && field.high < bits, name).toBe(true);
    }
    const sctlr = all.find(({ name }) => name === 'SCTLR_EL1');
    expect(sctlr).toMatchObject({ encoding: [3, 0, 1, 0, 0], bits: 64, access: 'RW' });
    expect(sctlr?.fields).toContainEqual(expect.objectContaining({ name: 'WXN', high: 19, low: 19 }));
  });

  test('a pattern lists, a name shows the fields', async () => {
    const list = await run('registers', 'ttbr?_el1');
    expect(list.stdout.split('\n').map((line) => line.split(/ +/)[0])).toEqual(['TTBR0_EL1', 'TTBR1_EL1', '']);
    const one = await run('registers', 'VBAR_EL1');
    expect(one.stdout).toMatch(/^VBAR_EL1 {2}3 0 12 0 0 {2}RW .*\n.*63:11 +VBA/);
  });
});

test('a full standard output is told', () => {
  const { status, stderr } = spawnSync(`"${process.execPath}" "${builtCommand()}" registers > /dev/full`, {
    shell: true,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^arm-gdbstub: cannot write to standard output: .*\n$/);
});

test('explain tells a syndrome down to the fault status', async () => {
  const { code, stdout } = await run('explain', 'esr_el1', '0x9600_0045');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ESR_EL1 = 0x0000000096000045/);
  expect(stdout).toMatch(/EC +31:26 +0x25 +Data Abort/);
  expect(stdout).toMatch(/WnR +6 +1 +write/);
  expect(stdout).toMatch(/translation fault, level 1/);
});
