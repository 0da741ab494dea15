import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import { isFree } from '../../src/local/ports.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const UP = [MAIN, 'up', '--json', '--no-worker'];
/** What the issue grants for stopping. */
const STOP_MS = 15_000;

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sheaf-up-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
});

interface Up {
  child: ChildProcess;
  /** Everything on stdout and stderr, up to now. */
  output: { stdout: string; stderr: string };
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

function run(command: string, args: string[], env: Record<string, string> = {}): Up {
  const child = spawn(command, args, {
    env: { ...process.env, ...env, SHEAF_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output, ended: once(child, 'close').then(([code]) => code) };
}

async function ready({ output }: Up): Promise<StackEndpoints> {
  await expect.poll(() => output.stdout, { timeout: 30_000 }).toContain('\n');
  return JSON.parse(output.stdout);
}

/** Waits until nothing of a stack is left: no process that names its folder, no port that answers. */
async function allGone(stack: StackEndpoints, up: Up): Promise<void> {
  const ports = [stack.temporal.ui, stack.s3.endpoint, stack.sqs.endpoint].map((url) =>
    Number(new URL(url).port),
  );
  const left = async () => {
    const free = await Promise.all(ports.map(isFree));
    const watchdog = `sheaf-watchdog of ${up.child.pid}`;
    return [
      ...commandLines().filter((line) => line.includes(dataDir) || line.includes(watchdog)),
      ...ports.filter((_, index) => !free[index]),
    ];
  };
  await expect.poll(left, { timeout: STOP_MS, interval: 100 }).toEqual([]);
}

function commandLines(): string[] {
  if (!existsSync('/proc/self/cmdline')) {
    return execFileSync('ps', ['-Ao', 'args'], { encoding: 'utf8' }).split('\n');
  }
  return readdirSync('/proc').flatMap((name) => {
    try {
      return [readFileSync(`/proc/${name}/cmdline`, 'utf8')];
    } catch {
      return [];
    }
  });
}

test('--json prints one line once all is ready, and SIGTERM leaves nothing running', async () => {
  const up = run(process.execPath, UP);
  const stack = await ready(up);
  expect(stack).toMatchObject({
    ready: true,
    temporal: { address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), namespace: 'default' },
    s3: { accessKeyId: expect.any(String), secretAccessKey: expect.any(String) },
    queues: {
      zip: expect.stringMatching(/\/input-queue$/),
      zipDlq: expect.stringMatching(/\/input-queue-dlq$/),
      zipResults: expect.stringMatching(/\/zip-results$/),
      items: expect.stringMatching(/\/items$/),
      itemsDlq: expect.stringMatching(/\/items-dlq$/),
      itemsResults: expect.stringMatching(/\/items-results$/),
      route: expect.stringMatching(/\/route$/),
      routeDlq: expect.stringMatching(/\/route-dlq$/),
      routeResults: expect.stringMatching(/\/route-results$/),
      split: expect.stringMatching(/\/split$/),
      splitDlq: expect.stringMatching(/\/split-dlq$/),
      updates: expect.stringMatching(/\/updates$/),
    },
    buckets: expect.arrayContaining(['source-images', 'zip-storage', 'items', 'incoming']),
  });

  const second = run(process.execPath, UP);
  expect(await second.ended).toBe(1);
  expect(second.output.stderr).toContain(`is already running, as process ${up.child.pid}`);
  expect(second.output.stdout).toBe('');

  up.child.kill('SIGTERM');
  expect(await up.ended).toBe(0);
  expect(up.output.stdout.trim().split('\n')).toHaveLength(1);
  await allGone(stack, up);
});

test('after SIGKILL the servers end too, and the next one starts on the same data', async () => {
  const up = run(process.execPath, UP);
  const stack = await ready(up);
  up.child.kill('SIGKILL');
  await up.ended;

  const next = run(process.execPath, UP);
  expect(await ready(next)).toEqual(stack);
  next.child.kill('SIGTERM');
  expect(await next.ended).toBe(0);
  await allGone(stack, up);
});

test('SIGTERM before it is ready ends it too, with nothing left running', async () => {
  const up = run(process.execPath, UP);
  const started = () =>
    commandLines().some((line) => line.includes('mini') && line.includes(dataDir));
  await expect.poll(started, { timeout: 30_000 }).toBe(true);
  up.child.kill('SIGTERM');
  expect(await up.ended).toBe(0);
  expect(up.output).toEqual({ stdout: '', stderr: '' });
  expect(commandLines().filter((line) => line.includes(dataDir))).toEqual([]);
});

test('under npm the end of the shell between npm and it is a request to stop', async () => {
  const script = `"${process.execPath}" ${UP.join(' ')}; true`;
  const shell = run('/bin/sh', ['-c', script], { npm_command: 'exec' });
  const stack = await ready(shell);
  shell.child.kill('SIGTERM');
  await shell.ended;
  await allGone(stack, shell);
});

test('a port that is none is an error', async () => {
  const up = run(process.execPath, [...UP, '--s3-port', '1x']);
  expect(await up.ended).toBe(2);
  expect(up.output.stderr).toContain('Expected a whole number from 1 to 65535');
});
