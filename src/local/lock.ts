import { createHash } from 'node:crypto';
import { realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A holder answers at once; one that was suspended never does. */
const ANSWER_TIMEOUT_MS = 2000;

/**
 * Takes the lock of a data folder, which this process then holds until it releases it or ends,
 * however it ends. It is a listening socket, not a file with a process id in it: the system drops
 * it with the process, and a reused process id can't be mistaken for the holder.
 *
 * @returns releases the lock.
 * @throws if another process holds it, by its id.
 */
export async function lockDataDir(dir: string): Promise<() => Promise<void>> {
  for (;;) {
    const server = await listen(socketOf(dir));
    if (server) return () => new Promise((resolve) => server.close(() => resolve()));
    const holder = await lockHolder(dir);
    if (holder !== undefined) {
      throw new Error(
        `The stack in ${dir} is already running, as process ${holder}: use it, end it, ` +
          'or name another data folder with SHEAF_DATA_DIR.',
      );
    }
    if (process.platform !== 'linux') rmSync(socketOf(dir), { force: true });
  }
}

/**
 * The id of the process that holds a data folder's lock, or undefined if none does.
 *
 * @throws if the holder does not answer (a stopped process).
 */
export function lockHolder(dir: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(socketOf(dir))
      .setEncoding('utf8')
      .setTimeout(ANSWER_TIMEOUT_MS, () => {
        socket.destroy();
        reject(new Error(`The process that holds the stack in ${dir} does not answer: end it.`));
      })
      .on('data', (text) => {
        said += text;
      })
      .on('error', () => resolve(undefined))
      .on('end', () => resolve(Number(said)));
  });
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(String(process.pid));
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

function socketOf(dir: string): string {
  const name = `sheaf-${createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 24)}`;
  // Linux has socket names that are no files, and vanish with their process.
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`);
}
