import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { stackEnvironment } from '../../src/local/endpoints.ts';
import { type ProgramJob, type ProgramResult, READY } from '../programs/protocol.ts';
import type { Competitor, JobPlace, Site, Standby } from './competitor.ts';

/** A competitor that is a program of its own; see programs/protocol.ts for how it is spoken to. */
export function programCompetitor<J extends JobPlace>(
  about: Omit<Competitor<J>, 'start'>,
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): Competitor<J> {
  return { ...about, start: (site) => startProgram(command, env, site) };
}

async function startProgram<J extends JobPlace>(
  [command, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  site: Site,
): Promise<Standby<J>> {
  const { stack, workDir, lanes, signal } = site;
  const child = spawn(command, args, {
    env: { ...process.env, ...env, ...stackEnvironment(stack), TMPDIR: workDir },
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
    killSignal: 'SIGKILL',
  });
  const ended = once(child, 'exit').then(([code, end]) => {
    throw new Error(`${[command, ...args].join(' ')} ended early (${end ?? `exit code ${code}`})`);
  });
  // Told to whoever waits for its next line; it may end, or be gone already, when nobody does.
  ended.catch(() => {});
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value } = await Promise.race([lines.next(), ended]);
    // Its output ends just before it does: the better message follows.
    return value ?? (await ended);
  };

  const ready = await nextLine();
  if (ready !== READY) throw new Error(`Expected "${READY}" from ${args.at(-1)}, got "${ready}"`);
  let result: ProgramResult | undefined;
  return {
    pid: child.pid as number,
    helpers: [],
    run: async (job) => {
      const order: ProgramJob<J> = { ...job, lanes };
      child.stdin.write(`${JSON.stringify(order)}\n`);
      result = JSON.parse(await nextLine());
    },
    account: async () => result as ProgramResult,
    stop: async () => {
      child.stdin.end();
      await ended.catch(() => {});
    },
  };
}
