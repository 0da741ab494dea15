import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from './file-errors.ts';
import { askLock, holdLock } from './folder-lock.ts';
import { isIdle, removeFolder, touchTree } from './folder-tree.ts';
import { everyMinute } from './keep-fresh.ts';
import { type Swept, sweep } from './sweep.ts';

/** How long a folder whose lock proves nothing must not have been touched to be left (ms): a live one is touched every minute. */
const IDLE_MS = 10 * 60 * 1000;

/** The lock in a process's folder. */
const LOCK_FILE = 'lock';

/** A process's folder: machine, process, each 8 hexadecimal digits; hidden while it is being made. */
const ROOT_NAME = /^(?<hidden>\.?)(?<machine>[0-9a-f]{8})-[0-9a-f]{8}$/;

/** The folder for workspaces that one process has for itself. */
export interface LocalRoot {
  readonly root: string;
  /** What was found of processes that have ended without removing theirs. */
  readonly leftovers: Swept;
  /** Removes the folder with all that is in it, and gives up its lock. */
  release(): Promise<void>;
}

/**
 * Makes a folder below `<tmpDir>/sheaf` for the workspaces of this process alone, and removes those of
 * processes that have ended: earlier lives of this worker, and any other's on the same volume, in
 * other containers as well. A process holds a lock in its folder as long as it lives, and touches the
 * folder every minute, so that nobody else's sweep finds it old.
 *
 * @throws where the folder can't be made, or its path is too long for a socket
 */
export async function claimLocalRoot(tmpDir: string): Promise<LocalRoot> {
  const base = join(tmpDir, 'sheaf');
  await makeBase(base);
  const machine = await machineId();
  const name = `${machine}-${randomBytes(4).toString('hex')}`;
  const root = join(base, name);

  // It appears under its name with the lock held, so that there is no moment at which it seems left.
  const hidden = join(base, `.${name}`);
  await mkdir(hidden, { mode: 0o700 });
  const unlock = await holdLock(join(hidden, LOCK_FILE)).catch(async (error) => {
    await removeFolder(hidden);
    throw error;
  });
  await rename(hidden, root);

  const stopTouching = everyMinute(async () => {
    // Where it was removed with all that was in it, the jobs that start over need it again.
    await makeBase(base);
    await mkdir(root, { recursive: true, mode: 0o700 });
    await touchTree(root);
  });
  const leftovers = await sweep(base, async (path, other) => {
    const match = ROOT_NAME.exec(other);
    if (!match || other === name) return false;
    const lock = await askLock(join(path, LOCK_FILE));
    if (lock === 'held') return false;
    const isProof =
      lock === 'dropped' && !match.groups?.hidden && match.groups?.machine === machine;
    return isProof || (await isIdle(path, IDLE_MS));
  });

  return {
    root,
    leftovers,
    release: async () => {
      await stopTouching();
      await removeFolder(root).finally(unlock);
    },
  };
}

/** Makes the folder for all processes; as open as a temp folder, for workers of several users. */
async function makeBase(base: string): Promise<void> {
  try {
    await mkdir(base);
    await chmod(base, 0o1777);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * The system that sockets are known to: all containers of a machine share it, and it is another one
 * after a restart. Where Linux's number of it is not to be had, the host's name.
 */
async function machineId(): Promise<string> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname());
  return createHash('sha256').update(id).digest('hex').slice(0, 8);
}
