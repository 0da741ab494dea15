import { expect, test } from 'vitest';
import { uniqueName } from '../support/harness.ts';
import { sheaf } from '../support/sheaf.ts';

/** Nobody listens there: it is no port that programs get. */
const NOWHERE = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

test.concurrent.each([
  ['an unknown command', ['no-such-command'], 2, /^error: unknown command 'no-such-command'/],
  ['an unknown option', ['list', '--no-such-option'], 2, /^error: unknown option/],
  ['a missing argument', ['show'], 2, /^error: missing required argument 'workflow id'/],
  ['an option that is no number', ['list', '--limit', 'x'], 2, /^error: option '--limit <n>'/],
])('%s is wrong usage', async (_, args, code, problem) => {
  expect(await sheaf({}, ...args)).toEqual({
    code,
    stdout: '',
    stderr: expect.stringMatching(problem),
  });
});

test.concurrent('help and version are what was asked for', async () => {
  const asked = [['--help'], ['--version'], ['-V'], ['help', 'retry'], ['retry', '--help']];

  const [help, version, short, helpRetry, retryHelp] = await Promise.all(
    asked.map((args) => sheaf({}, ...args)),
  );

  for (const { code, stderr } of [help, version, short, helpRetry, retryHelp].flatMap(
    (c) => c ?? [],
  )) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
  expect(help?.stdout).toContain('Usage: sheaf [options] [command]');
  expect(version?.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(short?.stdout).toBe(version?.stdout);
  expect(retryHelp?.stdout).toContain('Usage: sheaf retry [options] <workflow id>');
  expect(helpRetry?.stdout).toBe(retryHelp?.stdout);
});

test.concurrent('a Temporal that does not answer is said to be unreachable, by its address', async () => {
  const commands = [['list'], ['show', 'any'], ['retry', 'any'], ['redrive', 'split']];

  const called = await Promise.all(commands.map((args) => sheaf(NOWHERE, ...args)));

  for (const { code, stdout, stderr } of called) {
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^sheaf: Temporal at 127\.0\.0\.1:1 can't be reached: .*\n$/);
  }
});

test.concurrent('an S3 that does not answer is said to be unreachable', async () => {
  const settings = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' };

  const { code, stdout, stderr } = await sheaf(settings, 'route', 's3://bucket/key');

  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(/^sheaf: .*ECONNREFUSED/);
});

test.concurrent.each(['show', 'watch', 'retry'])(
  'sheaf %s of a run that never was says so',
  async (command) => {
    const workflowId = `split-${uniqueName()}`;

    const { code, stdout, stderr } = await sheaf({}, command, workflowId);

    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(new RegExp(`sheaf: .*${workflowId}.*\n$`));
  },
);
