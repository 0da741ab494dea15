import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testEnvironment } from './harness.ts';

/** The command line's entry point. */
export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const run = promisify(execFile);

/** What a command has printed, and what it has exited with. */
export interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A task queue, or settings over those of the suite's stack; empty ones count as unset. */
export type CallSettings = string | Readonly<Record<string, string>>;

/** Calls the CLI on the suite's stack, and waits until it has ended. */
export function sheaf(settings: CallSettings, ...args: readonly string[]): Promise<Called> {
  return startSheaf(settings, ...args).ended;
}

/** Calls the CLI, and tells what it has said to stderr so far. */
export function startSheaf(settings: CallSettings, ...args: readonly string[]) {
  const given = typeof settings === 'string' ? { TASK_QUEUE: settings } : settings;
  const env = { ...testEnvironment(), ...given };
  const running = run(process.execPath, [MAIN, ...args], { env });
  let said = '';
  running.child.stderr?.on('data', (text) => {
    said += text;
  });
  const ended: Promise<Called> = running.then(
    (printed) => ({ code: 0, ...printed }),
    (error) => {
      const { code, stdout, stderr } = error as Called;
      if (typeof code !== 'number') throw error;
      return { code, stdout, stderr };
    },
  );
  return { ended, said: () => said };
}
