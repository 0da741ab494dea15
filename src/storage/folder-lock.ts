import { connect, createServer } from 'node:net';

/** The longest path of a socket (bytes) that both Linux (107) and macOS (103) take. */
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * What asking for a lock's holder says. `dropped`: there is the lock, and no process holds it.
 * `absent`: there is no lock.
 */
export type LockState = 'held' | 'dropped' | 'absent';

/**
 * Takes a new lock, which this process holds until the returned function is called or it ends, however
 * it ends. It is a listening socket: the system drops it with the process, and a reused process id
 * can't be mistaken for the holder. It is a file, and not one of Linux's names without a file, so that
 * containers with other network namespaces see it as well. The file may be renamed meanwhile.
 *
 * @throws where the path is too long for a socket, or there is something already
 */
export async function holdLock(path: string): Promise<() => Promise<void>> {
  const length = Buffer.byteLength(path);
  if (length > MAX_SOCKET_PATH_BYTES) {
    throw new Error(
      `${path} has ${length} bytes, the path of a socket ${MAX_SOCKET_PATH_BYTES} at most; ` +
        'name a shorter temp folder (TMPDIR)',
    );
  }
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/**
 * Asks whether a process holds a lock. Only processes on the same machine can tell: to others a held
 * lock looks dropped. Where it can't be told, it counts as held.
 */
export function askLock(path: string): Promise<LockState> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve('held');
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ENOENT') resolve('absent');
      else resolve(code === 'ECONNREFUSED' ? 'dropped' : 'held');
    });
  });
}
