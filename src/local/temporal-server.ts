import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Program } from './locate.ts';
import { ManagedProcess } from './managed-process.ts';
import { HOST, type StackPorts } from './ports.ts';
import { serverEnvironment, startAdvice } from './server-environment.ts';

/** The file of its database, in the stack's data folder. */
const DATABASE = 'temporal.db';

/** The dev server makes this namespace by itself. */
export const NAMESPACE = 'default';

/** Closed runs are kept for a week. Queues keep messages for four days by default. */
const RETENTION_SECONDS = 7 * 24 * 60 * 60;

/**
 * How SQLite writes (https://www.sqlite.org/wal.html): with a log ahead of the database, which is not
 * waited for to reach the disk at each commit. A process that is killed loses nothing; where the power
 * goes, the last commits may be gone, and the database is whole. 200 jobs end in two thirds of the time.
 */
const PRAGMAS = ['journal_mode=wal', 'synchronous=normal'];

/** Long: a first start makes the database, and the machine may be busy. */
const READY_TIMEOUT_MS = 60_000;
/** It needs less than a second; what it has acknowledged is in its database anyway. */
const STOP_GRACE_MS = 5000;

/**
 * The Temporal CLI's dev server with Web UI, on a database file in `dir`.
 *
 * @param dynamicConfig settings of the server, e.g. `limit.maxIDLength=255`
 */
export function temporalServer(
  program: Program,
  dir: string,
  ports: StackPorts,
  env: NodeJS.ProcessEnv,
  dynamicConfig: readonly string[] = [],
): ManagedProcess {
  const args = [...program.args, 'server', 'start-dev', '--ip', HOST, '--log-level', 'warn'];
  args.push('--db-filename', join(dir, DATABASE));
  for (const pragma of PRAGMAS) args.push('--sqlite-pragma', pragma);
  args.push('--port', `${ports.temporal}`, '--ui-port', `${ports.temporalUi}`);
  args.push('--http-port', `${ports.temporalHttp}`, '--metrics-port', `${ports.temporalMetrics}`);
  for (const setting of dynamicConfig) args.push('--dynamic-config-value', setting);
  const namespace = `http://${HOST}:${ports.temporalHttp}/api/v1/namespaces/${NAMESPACE}`;
  const ui = `http://${HOST}:${ports.temporalUi}/`;
  return new ManagedProcess({
    name: 'Temporal',
    command: program.command,
    args,
    env: serverEnvironment(env, program.env),
    cwd: dir,
    output: { file: join(dir, 'logs', 'temporal.log') },
    ready: () => Promise.all([answers(namespace), answers(ui)]).then(() => {}),
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopGraceMs: STOP_GRACE_MS,
    advice: startAdvice(program),
    // It looks for ports of its parts among those of outgoing connections, of which others may have many.
    passes: 'failed assigning ephemeral port',
  });
}

/**
 * Has the server keep closed runs for longer than SQS keeps messages, so that one which is delivered
 * again finds its run. A dev server keeps them for a day.
 */
export async function keepClosedRuns(ports: StackPorts): Promise<void> {
  const url = `http://${HOST}:${ports.temporalHttp}/api/v1/namespaces/${NAMESPACE}/update`;
  const config = { workflowExecutionRetentionTtl: `${RETENTION_SECONDS}s` };
  await request(url, { method: 'POST', body: JSON.stringify({ config }) });
}

/** Whether there is a database: none before the first start. */
export function hasDatabase(dir: string): boolean {
  return existsSync(join(dir, DATABASE));
}

/**
 * Removes the database. A first start that is cut off leaves one without its tables, which no later
 * start can use.
 */
export async function removeDatabase(dir: string): Promise<void> {
  // SQLite's own files lie beside it, with endings.
  for (const ending of ['', '-journal', '-wal', '-shm']) {
    await rm(join(dir, `${DATABASE}${ending}`), { force: true });
  }
}

function answers(url: string): Promise<void> {
  return request(url, {});
}

async function request(url: string, options: RequestInit): Promise<void> {
  const response = await fetch(url, { ...options, signal: AbortSignal.timeout(5000) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answers with status ${response.status}`);
}
