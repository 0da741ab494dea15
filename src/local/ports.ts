import { createSocket } from 'node:dgram';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** All servers listen here and nowhere else. */
export const HOST = '127.0.0.1';

/** Below 32768, where Linux begins to take ports for outgoing connections. */
const LOWEST_PORT = 10_000;
/** SeaweedFS's servers take their port plus this for gRPC, unless told another one. */
export const SEAWEEDFS_GRPC_OFFSET = 10_000;
const HIGHEST_PORT = 32_767 - SEAWEEDFS_GRPC_OFFSET;
/** A prime: a process that counts up by it from any port comes past all of them, in an order of its own. */
const STEP = 1_009;

const NAMES = [
  'temporal',
  'temporalUi',
  'temporalHttp',
  'temporalMetrics',
  's3',
  's3Grpc',
  's3Master',
  's3Volume',
  's3Filer',
  's3Admin',
  'sqs',
] as const;

/** Each TCP port that the stack listens on. */
export type StackPorts = Record<(typeof NAMES)[number], number>;

/**
 * Chooses the stack's ports: those asked for, else those that it had the last time, where they
 * are free (addresses that are in queues and histories then stay true), else free ones.
 *
 * @param dir the stack's data folder, where the choice is remembered.
 * @param patienceMs how long to wait for the last time's ports, where servers may still be ending.
 * @throws if a port that was asked for is in use.
 */
export async function choosePorts(
  dir: string,
  asked: Partial<StackPorts>,
  patienceMs: number,
): Promise<StackPorts> {
  const file = join(dir, 'ports.json');
  const previous = await readPorts(file);
  const deadline = Date.now() + patienceMs;
  const chosen: Partial<StackPorts> = { ...asked };
  for (const name of NAMES) {
    const wanted = asked[name];
    if (wanted !== undefined && !(await becomesFree(wanted, deadline))) {
      throw new Error(
        `Port ${wanted}, asked for ${name}, is in use on ${HOST}: ` +
          'end what listens there, ask for another one, or leave it out for a free one.',
      );
    }
  }
  for (const name of NAMES) {
    const last = previous[name];
    const usable = last !== undefined && !Object.values(chosen).includes(last);
    chosen[name] ??=
      usable &&
      (await becomesFree(last, deadline)) &&
      (claims.get(last) === dir || (await claim(last, dir)))
        ? last
        : await choosePort(dir, name.startsWith('s3') ? [0, SEAWEEDFS_GRPC_OFFSET] : [0]);
  }
  await writeFile(file, `${JSON.stringify(chosen, null, 2)}\n`);
  return chosen as StackPorts;
}

async function becomesFree(port: number, deadline: number): Promise<boolean> {
  while (!(await isFree(port))) {
    if (Date.now() >= deadline) return false;
    await sleep(100);
  }
  return true;
}

/**
 * Chooses a free port, which nobody else chooses while this process lives.
 *
 * @param owner whose it is; see {@link choosePorts}
 * @param offsets what is free, too: the ports that lie so far behind it
 */
export async function choosePort(owner: string, offsets: readonly number[] = [0]): Promise<number> {
  const span = HIGHEST_PORT - LOWEST_PORT + 1;
  for (let tries = 0, at = process.pid * STEP; tries < span; tries += 1, at += STEP) {
    const port = LOWEST_PORT + (at % span);
    if (claims.has(port)) continue;
    const needed = offsets.map((offset) => port + offset);
    if (await allOf(needed, async (each) => (await isFree(each)) && claim(each, owner))) {
      return port;
    }
  }
  throw new Error(`No port from ${LOWEST_PORT} to ${HIGHEST_PORT} is free on ${HOST}`);
}

async function allOf(ports: readonly number[], test: (port: number) => Promise<boolean>) {
  for (const port of ports) if (!(await test(port))) return false;
  return true;
}

/** The data folder, or whatever else owns it, that this process has chosen a port for. */
const claims = new Map<number, string>();

/**
 * A port that was chosen is free until its server listens, for seconds: nobody else may choose it
 * meanwhile. Its twin in UDP, which no server here uses, is bound for that: it has one owner at a
 * time, and goes with its process, however that ends.
 */
function claim(port: number, owner: string): Promise<boolean> {
  if (claims.has(port)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind({ port, address: HOST, exclusive: true }, () => {
      claims.set(port, owner);
      socket.unref();
      resolve(true);
    });
  });
}

/** Whether nothing listens on a port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

async function readPorts(file: string): Promise<Partial<StackPorts>> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return {};
  }
}
