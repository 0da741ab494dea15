import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stackSqs } from './clients.ts';
import { BUCKETS, type StackEndpoints, stackEnvironment } from './endpoints.ts';
import { ensureServers } from './locate.ts';
import { lockDataDir } from './lock.ts';
import type { ManagedProcess } from './managed-process.ts';
import { choosePorts, HOST, type StackPorts } from './ports.ts';
import { provisionQueues } from './provision.ts';
import { forgetStack, recordStack, wasCutOff } from './running.ts';
import { s3Server } from './s3-server.ts';
import { sqsServer } from './sqs-server.ts';
import {
  hasDatabase,
  keepClosedRuns,
  NAMESPACE,
  removeDatabase,
  temporalServer,
} from './temporal-server.ts';

const REGION = 'us-east-1';
/** The stack listens on the loopback address only: these keep out mistakes, not people. */
const CREDENTIALS = { accessKeyId: 'sheaf', secretAccessKey: 'sheaf-secret' };
/** How long servers may take to end that a killed stack left behind: their watchdog gives 10 s. */
const LEFTOVERS_MS = 11_000;

export interface StackOptions {
  /** The folder for all data, made where it is not there; one stack at a time uses it. */
  dataDir: string;
  /** Ports to listen on. Default: the last time's, where they are free, else free ones. */
  ports?: Partial<StackPorts>;
  /** Where the servers' programs are looked up, see `locate.ts`. Default: `process.env`. */
  env?: NodeJS.ProcessEnv;
  /** Told, in a line each, what takes time. */
  report?: (line: string) => void;
  /** Gives up a start that is under way: what runs already is killed. */
  signal?: AbortSignal;
}

/** The embedded stack: a Temporal, an S3 and an SQS server on the loopback address. */
export interface Stack {
  endpoints: StackEndpoints;
  /** The environment in which a worker, a starter or the command line uses this stack. */
  env: Record<string, string>;
  /** Each can be stopped, killed and started again: same ports, same data. */
  servers: { temporal: ManagedProcess; s3: ManagedProcess; sqs: ManagedProcess };
  /** Stops all servers, in at most 5 s, and frees the data folder for the next stack. */
  stop(): Promise<void>;
  /** As `stop`, by SIGKILL: at once, but what is in the queues is lost. */
  kill(): Promise<void>;
}

/**
 * Starts the embedded stack, installing the servers where they are found nowhere, and makes its
 * buckets and queues. Its servers end with this process, however it ends.
 *
 * @throws if another process uses the data folder, a port that was asked for is in use, or a
 * server can't be installed or started; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = resolve(options.dataDir);
  for (const part of ['logs', 's3', 'sqs']) await mkdir(join(dir, part), { recursive: true });
  const unlock = await lockDataDir(dir);
  try {
    return await startLocked(dir, options, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function startLocked(
  dir: string,
  { ports: asked = {}, env = process.env, report, signal }: StackOptions,
  unlock: () => Promise<void>,
): Promise<Stack> {
  const programs = await ensureServers(['temporal', 'seaweedfs', 'ministack'], env, report);
  const ports = await choosePorts(dir, asked, (await wasCutOff(dir)) ? LEFTOVERS_MS : 0);
  const { temporal, s3, sqs } = addressesOn(ports);
  const servers = {
    temporal: temporalServer(programs.temporal, dir, ports, env),
    s3: s3Server(programs.seaweedfs, dir, ports, s3, env),
    sqs: sqsServer(programs.ministack, dir, ports, { s3, sqs }, env),
  };
  const all = Object.values(servers);
  const isFirstStart = !hasDatabase(dir);
  const killAll = () => Promise.all(all.map((server) => server.kill()));
  signal?.throwIfAborted();
  signal?.addEventListener('abort', killAll);
  try {
    await Promise.all(all.map((server) => server.start()));
    await keepClosedRuns(ports);
    const queues = await provisionQueues(stackSqs({ s3, sqs }), sqs.endpoint);
    signal?.throwIfAborted();
    const endpoints = { temporal, s3, sqs, queues, buckets: [...BUCKETS] };
    await recordStack(dir, endpoints);
    const close = async (end: (server: ManagedProcess) => Promise<void>) => {
      await Promise.all(all.map(end));
      await forgetStack(dir);
      await unlock();
    };
    return {
      endpoints,
      env: stackEnvironment(endpoints),
      servers,
      stop: () => close((server) => server.stop()),
      kill: () => close((server) => server.kill()),
    };
  } catch (error) {
    const wasUp = servers.temporal.isReady;
    await killAll();
    if (isFirstStart && !wasUp) await removeDatabase(dir);
    throw error;
  } finally {
    signal?.removeEventListener('abort', killAll);
  }
}

function addressesOn(ports: StackPorts): Pick<StackEndpoints, 'temporal' | 's3' | 'sqs'> {
  return {
    temporal: {
      address: `${HOST}:${ports.temporal}`,
      namespace: NAMESPACE,
      ui: `http://${HOST}:${ports.temporalUi}`,
    },
    s3: { endpoint: `http://${HOST}:${ports.s3}`, region: REGION, ...CREDENTIALS },
    sqs: { endpoint: `http://${HOST}:${ports.sqs}`, region: REGION },
  };
}
