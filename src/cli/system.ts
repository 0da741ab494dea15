import { join } from 'node:path';
import { keepRunning } from '../local/keep-running.ts';
import { type Stack, type StackOptions, startStack } from '../local/stack.ts';
import { sheafProcess } from './sheaf-process.ts';

export interface SystemOptions extends StackOptions {
  /** How many workers to run; none means no starter either. */
  workers: number;
  /** Settings for workers and starter. Default: `process.env`. The stack's addresses go over it. */
  env?: NodeJS.ProcessEnv;
  /** Where workers and starter log to: our stderr, or files in the data folder's `logs/`. */
  logs?: 'stderr' | 'files';
  /** Told, in a line, what ended unasked and is started again. */
  warn: (line: string) => void;
}

/** The embedded stack with workers and a starter on it. */
export interface System {
  stack: Stack;
  /** Stops workers and starter, then the servers: in at most 14 s. */
  stop(): Promise<void>;
  /** Ends everything at once, by SIGKILL. */
  kill(): Promise<void>;
}

/**
 * Starts the embedded stack, then workers and a starter, and keeps all of them running.
 *
 * @throws as `startStack`, or if a worker or the starter doesn't start; nothing runs then.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const stack = await startStack(options);
  const env = { ...(options.env ?? process.env), ...stack.env };
  const make = (command: 'worker' | 'starter') => {
    const file = join(options.dataDir, 'logs', `${command}.log`);
    return sheafProcess(command, env, options.logs === 'files' ? { file } : 'inherit');
  };
  const workers = Array.from({ length: options.workers }, () => make('worker'));
  const ours = workers.length > 0 ? [...workers, make('starter')] : [];
  const killAll = async () => {
    await Promise.all(ours.map((child) => child.kill()));
    await stack.kill();
  };
  const { signal } = options;
  const abort = () => void killAll();
  signal?.addEventListener('abort', abort);
  try {
    await Promise.all(ours.map((child) => child.start()));
    signal?.throwIfAborted();
  } catch (error) {
    await killAll();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  const all = [...ours, ...Object.values(stack.servers)];
  const releases = all.map((child) => keepRunning(child, options.warn));
  const letGo = () => {
    for (const release of releases) release();
  };
  return {
    stack,
    stop: async () => {
      letGo();
      await Promise.all(ours.map((child) => child.stop()));
      await stack.stop();
    },
    kill: async () => {
      letGo();
      await killAll();
    },
  };
}
