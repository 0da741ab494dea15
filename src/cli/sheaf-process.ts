import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, type ProcessSpec } from '../local/managed-process.ts';
import { WORKER_NODE_FLAGS } from '../worker/node-flags.ts';

/** The command line's entry point: a source file in development, else what was built of it. */
const MAIN = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url));

/** Long: a worker without a built bundle makes one, and waits for Temporal to come up. */
const READY_TIMEOUT_MS = 90_000;
/** A worker cancels what runs after 3 s; with the servers' grace this stays under 15 s. */
const STOP_GRACE_MS = 8000;

/**
 * A worker or starter as a process of its own.
 *
 * @param output where it logs to: a file, or `inherit`, our stderr.
 */
export function sheafProcess(
  command: 'worker' | 'starter',
  env: NodeJS.ProcessEnv,
  output: ProcessSpec['output'],
): ManagedProcess {
  return new ManagedProcess({
    name: command === 'worker' ? 'The worker' : 'The starter',
    command: process.execPath,
    args: [...WORKER_NODE_FLAGS, MAIN, command],
    env,
    output,
    ready: 'message',
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopGraceMs: STOP_GRACE_MS,
    advice: () => (output === 'inherit' ? 'What it said is above.' : undefined),
  });
}
