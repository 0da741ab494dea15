import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { type StackEndpoints, stackEnvironment } from '../../src/local/endpoints.ts';
import { ManagedProcess } from '../../src/local/managed-process.ts';
import { WORKER_NODE_FLAGS } from '../../src/worker/node-flags.ts';
import { afterwards } from './afterwards.ts';
import { bareEnvironment } from './harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What a process of ours may take to end after SIGTERM before it is killed, ms. */
const STOP_GRACE_MS = 15_000;

/** A worker or a starter, as a process of its own. */
export interface TestProcess {
  /** SIGTERM; rejects where it does not end by itself. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** What it has logged so far. */
  log(): string;
}

/**
 * Starts a worker or a starter, to be killed or stopped by the test; it ends with the test at the
 * latest. Resolves once it polls.
 */
export async function startProcess(
  command: 'worker' | 'starter',
  env: Record<string, string>,
  stack: StackEndpoints = inject('stack'),
): Promise<TestProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'sheaf-process-'));
  const file = join(dir, 'log');
  const managed = new ManagedProcess({
    name: command,
    command: process.execPath,
    args: [...WORKER_NODE_FLAGS, MAIN, command],
    env: {
      ...bareEnvironment(),
      WORKFLOW_BUNDLE: inject('workflowBundle'),
      ...stackEnvironment(stack),
      // The stack's own queues are for whoever uses it by hand.
      ...{ SPLIT_QUEUE_URL: '', SQS_SOURCE_QUEUE: '', SQS_DESTINATION_QUEUE: '' },
      ...{ ITEMS_QUEUE_URL: '', ROUTE_QUEUE_URL: '', ROUTE_NOTIFY_QUEUE: '' },
      ...env,
    },
    output: { file },
    ready: 'message',
    readyTimeoutMs: 30_000,
    stopGraceMs: STOP_GRACE_MS,
  });
  afterwards(async () => {
    await managed.kill();
    rmSync(dir, { recursive: true, force: true });
  });
  await managed.start();
  const log = () => readFileSync(file, 'utf8');
  return {
    log,
    kill: () => managed.kill(),
    stop: async () => {
      await managed.stop();
      if (!log().includes(`${command} stopped`)) throw new Error(`The ${command} hangs:\n${log()}`);
    },
  };
}
