import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { keepRunning } from '../../src/local/keep-running.ts';
import { fileSize } from '../../src/local/log-tail.ts';
import { ManagedProcess, type ProcessSpec } from '../../src/local/managed-process.ts';

/** A shell script as a managed process, ready at once unless the test says otherwise. */
function shell(script: string, spec: Partial<ProcessSpec> = {}): ManagedProcess {
  const dir = mkdtempSync(join(tmpdir(), 'sheaf-process-'));
  const managed = new ManagedProcess({
    name: 'The script',
    command: '/bin/sh',
    args: ['-c', script],
    env: process.env,
    output: { file: join(dir, 'log') },
    ready: async () => {},
    readyTimeoutMs: 5000,
    stopGraceMs: 5000,
    ...spec,
  });
  onTestFinished(async () => {
    await managed.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  return managed;
}

const never = async () => {
  throw new Error('nothing answers');
};

test('a process that ends before it is ready fails with its last words and what to do', async () => {
  const script = shell('echo one; echo "port taken" >&2; exit 3', {
    ready: never,
    advice: (output) => (output.includes('taken') ? 'Ask for another port.' : undefined),
  });
  await expect(script.start()).rejects.toThrow(
    'The script (/bin/sh) ended before it was ready (exit code 3)\n' +
      '  | one\n  | port taken\nAsk for another port.',
  );
  expect(script.pid).toBeUndefined();
});

test('a process that does not become ready in time fails with the last reason, and is gone', async () => {
  const script = shell('sleep 60', { ready: never, readyTimeoutMs: 200 });
  await expect(script.start()).rejects.toThrow('was not ready after 0.2 s: nothing answers');
  expect(script.pid).toBeUndefined();
});

test('a program that is not there fails by its name', async () => {
  const script = shell('', { command: '/no/such/program', ready: never });
  await expect(script.start()).rejects.toThrow(/\/no\/such\/program.*ENOENT/);
});

test('a process that ignores SIGTERM is killed after its grace', async () => {
  const script = shell('trap "" TERM; while :; do sleep 1; done', { stopGraceMs: 300 });
  await script.start();
  const startedAt = Date.now();
  await script.stop();
  expect(Date.now() - startedAt).toBeLessThan(2000);
  expect(script.pid).toBeUndefined();
});

test('what a process has started ends with it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sheaf-process-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const beats = join(dir, 'beats');
  const script = shell(`(trap "" TERM; while sleep 0.02; do echo >> ${beats}; done) & wait`);
  await script.start();
  await expect.poll(() => fileSize(beats)).toBeGreaterThan(0);
  await script.stop();
  const heard = fileSize(beats);
  await sleep(200);
  expect(fileSize(beats)).toBe(heard);
});

test('a process that ends unasked is started again, one that is stopped is not', async () => {
  const script = shell('sleep 60');
  await script.start();
  const first = script.pid as number;
  const warnings: string[] = [];
  const letGo = keepRunning(script, (line) => warnings.push(line));

  process.kill(first, 'SIGKILL');
  await expect.poll(() => script.pid, { timeout: 5000 }).toSatisfy((pid) => pid && pid !== first);
  expect(warnings).toEqual(['The script ended unasked (SIGKILL); starting it again in 1 s']);

  letGo();
  await script.stop();
  expect(warnings).toHaveLength(1);
});
