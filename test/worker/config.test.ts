import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { testEnvironment } from '../support/harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

describe('loadConfig', () => {
  test('gives a variable that is unset or empty its default', () => {
    expect(loadConfig({})).toMatchObject({
      TASK_QUEUE: 'sheaf',
      SPLIT_QUEUE_URL: undefined,
      BATCH_SIZE: 2000,
      IMAGE_COLUMN: 'imageName',
      VERIFY: true,
      RANGE_COPY: true,
      APP_DEBUG: false,
    });
    expect(loadConfig({ BATCH_SIZE: '', SPLIT_QUEUE_URL: '', VERIFY: '' })).toEqual(loadConfig({}));
  });

  test('reads what is set', () => {
    const env = { BATCH_SIZE: '7', VERIFY: 'off', APP_DEBUG: '1', SPLIT_QUEUE_URL: 'split' };

    expect(loadConfig(env)).toMatchObject({
      BATCH_SIZE: 7,
      VERIFY: false,
      APP_DEBUG: true,
      SPLIT_QUEUE_URL: 'split',
    });
  });

  test.each([
    ['BATCH_SIZE', '0', 'a whole number from 1 up'],
    ['BATCH_SIZE', '1.5', 'a whole number from 1 up'],
    ['BATCH_SIZE', '-1', 'a whole number from 1 up'],
    ['BATCH_SIZE', '1e3', 'a whole number from 1 up'],
    ['BATCH_SIZE', ' 5', 'a whole number from 1 up'],
    ['BATCH_SIZE', '99999999999999999999', 'a whole number from 1 up'],
    ['MAX_PARALLEL_BATCHES', '501', 'a whole number from 1 to 500'],
    ['MAX_BYTES_IN_FLIGHT', '1', 'a whole number from 16777216 up'],
    ['VERIFY', 'true', 'on or off'],
    ['DEV_MODE', 'yes', '1 or 0'],
    ['METRICS_ADDRESS', '9464', 'an IP address and a port, as in 0.0.0.0:9464'],
    ['METRICS_ADDRESS', 'localhost:9464', 'an IP address and a port, as in 0.0.0.0:9464'],
    ['HEALTH_ADDRESS', '0.0.0.0:65536', 'an IP address and a port, as in 0.0.0.0:9464'],
  ])('refuses %s=%s, and says what it expects', (name, value, expected) => {
    const load = () => loadConfig({ [name]: value });

    expect(load).toThrow(ConfigError);
    expect(load).toThrow(`${name}: expected ${expected}, got "${value}"`);
  });

  test('names every setting that can not be used', () => {
    expect(() => loadConfig({ BATCH_SIZE: 'x', VERIFY: 'y' })).toThrow(
      'BATCH_SIZE: expected a whole number from 1 up, got "x"\nVERIFY: expected on or off, got "y"',
    );
  });
});

describe('a process with a setting that can not be used', () => {
  test.each([
    ['worker', { BATCH_SIZE: '0' }, 'BATCH_SIZE: expected a whole number from 1 up, got "0"'],
    ['starter', { VERIFY: 'no' }, 'VERIFY: expected on or off, got "no"'],
    [
      'worker',
      { PROCESSORS: './no-such-file.js' },
      'PROCESSORS: ./no-such-file.js: expected a file',
    ],
    [
      'worker',
      { ROUTE_RULES: './no-such-rules.json' },
      'ROUTE_RULES: ./no-such-rules.json: ENOENT: no such file or directory',
    ],
    [
      'worker',
      { TEMPORAL_WORKER_BUILD_ID: '7' },
      'TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID: expected both, for worker versioning, or neither; got one',
    ],
    [
      'starter',
      { SPLIT_QUEUE_URL: '', SQS_SOURCE_QUEUE: '', ITEMS_QUEUE_URL: '', ROUTE_QUEUE_URL: '' },
      'SPLIT_QUEUE_URL, SQS_SOURCE_QUEUE, ITEMS_QUEUE_URL, ROUTE_QUEUE_URL: expected the URL or name of an SQS queue in one of them',
    ],
  ])('ends at once: %s %j', async (command, settings, message) => {
    const { code, stderr } = await runToEnd(command, settings);

    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test.each([
    ['worker', 'HEALTH_ADDRESS'],
    ['starter', 'METRICS_ADDRESS'],
  ])('a %s whose %s is taken says so', async (command, name) => {
    const { host } = new URL(inject('stack').s3.endpoint);
    const settings = { [name]: host, SPLIT_QUEUE_URL: 'split' };
    const { code, stderr } = await runToEnd(command, settings);

    expect(code).toBe(2);
    expect(stderr).toContain(`${name}: ${host} can't be listened on: `);
  });

  test.each([
    ['split messages', { SPLIT_QUEUE_URL: 'no-such-queue' }],
    ['zip messages', { SQS_SOURCE_QUEUE: 'no-such-queue' }],
    ['zip results', { SQS_DESTINATION_QUEUE: 'no-such-queue' }],
    ['route notices', { ROUTE_NOTIFY_QUEUE: 'no-such-queue' }],
    ['items messages', { ITEMS_QUEUE_URL: 'no-such-queue' }],
    ['route messages', { ROUTE_QUEUE_URL: 'no-such-queue' }],
  ])('ends where its queue of %s does not exist', async (what, settings) => {
    const { code, stderr } = await runToEnd('starter', settings);

    expect(code).toBe(1);
    expect(stderr).toContain(`The queue of ${what}, no-such-queue, can't be used: `);
  });
});

async function runToEnd(command: string, settings: Record<string, string>) {
  const env = { ...testEnvironment(), ...settings };
  const child = spawn(process.execPath, [MAIN, command], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code, stderr };
}
