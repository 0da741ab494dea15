import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileSize, lastLines, textOf } from './log-tail.ts';
import { guardProcessGroup } from './watchdog.ts';

/** How often a process is asked whether it is ready. */
const READY_POLL_MS = 50;

export interface ProcessSpec {
  /** As a person reads it in messages, e.g. `Temporal`. */
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** The file that its output is appended to, or `inherit`: it goes to our stderr. */
  output: { file: string } | 'inherit';
  /**
   * When it can be used: once it has sent the message `{type: 'ready'}`, or once this function
   * has returned; while it throws, it is called again.
   */
  ready: 'message' | (() => Promise<void>);
  /** How long it may take to be ready, in ms. */
  readyTimeoutMs: number;
  /** How long it may take to end after SIGTERM before it gets SIGKILL, in ms. */
  stopGraceMs: number;
  /** What to do when it does not start, as a sentence; from the end of its output. */
  advice?: (output: string) => string | undefined;
  /** What its output has in it where it ended for a reason that passes: it is started once more then. */
  passes?: string;
}

/**
 * A child process that can be started, stopped and killed again and again. It runs in a process
 * group of its own, so that Ctrl-C in a terminal reaches only us and the order of stopping is
 * ours; and it never outlives us, however we end.
 */
export class ManagedProcess {
  readonly name: string;
  /** Called with how it ended (`exit code 1`, `SIGKILL`) if it ends once ready, unasked. */
  onCrash: ((how: string) => void) | undefined;
  readonly #spec: ProcessSpec;
  #running: Running | undefined;

  constructor(spec: ProcessSpec) {
    this.name = spec.name;
    this.#spec = spec;
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Whether it runs, and can be used. */
  get isReady(): boolean {
    return this.#running?.ready ?? false;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @throws if it is already running, ends, or is not ready in time: the message has the end of
   * its output and what to do. It is then not running.
   */
  async start(): Promise<void> {
    if (this.#running) throw new Error(`${this.name} is already running (pid ${this.pid})`);
    await this.#start(this.#spec.passes);
  }

  /** @param passes what its output has in it where it is to be started once more */
  async #start(passes: string | undefined): Promise<void> {
    const { output } = this.#spec;
    const logStart = output === 'inherit' ? 0 : fileSize(output.file);
    const running = this.#spawn();
    this.#running = running;
    try {
      await this.#becomeReady(running);
      running.ready = true;
    } catch (error) {
      await this.kill();
      const log = output === 'inherit' ? '' : textOf(output.file, logStart);
      if (!passes || !log.includes(passes)) throw this.#startError(error, log);
      await this.#start(undefined);
    }
  }

  /** Ends it with SIGTERM, and with SIGKILL after its grace. Resolves once it is gone. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.stopping = true;
    signalGroup(running.child, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(running.child, 'SIGKILL'), this.#spec.stopGraceMs);
    await running.ended;
    clearTimeout(timer);
  }

  /** Ends it with SIGKILL, as a crash would. Resolves once it is gone. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.stopping = true;
    signalGroup(running.child, 'SIGKILL');
    await running.ended;
  }

  #spawn(): Running {
    const { command, args, env, cwd, output, ready } = this.#spec;
    const sink = output === 'inherit' ? 2 : openSync(output.file, 'a');
    const ipc = ready === 'message' ? (['ipc'] as const) : [];
    const child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', sink, sink, ...ipc],
    });
    if (sink !== 2) closeSync(sink);
    const release = child.pid === undefined ? () => {} : guardProcessGroup(child.pid);
    const running: Running = {
      child,
      stopping: false,
      ready: false,
      ended: new Promise((resolve) => {
        child.once('error', (error) => resolve(`could not be run: ${error.message}`));
        child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      }),
    };
    running.ended.then((how) => {
      // Whatever it left behind in its group ends with it.
      signalGroup(child, 'SIGKILL');
      release();
      this.#running = undefined;
      if (running.ready && !running.stopping) this.onCrash?.(how);
    });
    return running;
  }

  async #becomeReady(running: Running): Promise<void> {
    const { ready, readyTimeoutMs } = this.#spec;
    const over = new AbortController();
    let lastError = '';
    const poll = async (attempt: () => Promise<void>) => {
      while (!over.signal.aborted) {
        try {
          return await attempt();
        } catch (error) {
          lastError = `: ${(error as Error).message}`;
        }
        await sleep(READY_POLL_MS);
      }
    };
    const hasEnded = running.ended.then((how) => {
      throw new Error(`ended before it was ready (${how})`);
    });
    const timeout = sleep(readyTimeoutMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`was not ready after ${readyTimeoutMs / 1000} s${lastError}`);
    });
    try {
      const isReady = ready === 'message' ? readyMessage(running.child) : poll(ready);
      await Promise.race([isReady, hasEnded, timeout]);
    } finally {
      over.abort();
    }
  }

  #startError(error: unknown, log: string): Error {
    const { output, advice, command } = this.#spec;
    const tail = lastLines(log);
    // A program in Go says why it ends before it says where.
    const [panic = ''] = /^panic: .*/m.exec(log) ?? [];
    const lines = [
      `${this.name} (${command}) ${(error as Error).message}`,
      ...(tail.includes(panic) ? [] : [`  | ${panic}`]),
      ...tail.split('\n').map((line) => `  | ${line}`),
      advice?.(tail) ?? (output === 'inherit' ? '' : `Its whole output is in ${output.file}`),
    ];
    return new Error(lines.filter((line) => line.trim() !== '' && line !== '  | ').join('\n'), {
      cause: error,
    });
  }
}

interface Running {
  child: ChildProcess;
  stopping: boolean;
  ready: boolean;
  /** Resolves with how it ended; never rejects. */
  ended: Promise<string>;
}

function readyMessage(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      if ((message as { type?: unknown } | null)?.type === 'ready') resolve();
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
