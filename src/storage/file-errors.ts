import { constants } from 'node:os';
import { NoSpaceError, WorkspaceLostError } from './errors.ts';

/**
 * Calls of the system by number where Node has no name for its answer: the `code` of these two is
 * "Unknown system error -116" and the like.
 */
const { ESTALE, EDQUOT } = constants.errno;

/** True where a path names nothing: no such file, or one that another client of a network mount removed. */
export function isGone(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || errnoOf(error) === -ESTALE;
}

/** What a call on a file of a workspace failed with, as the errors of this layer; any other error as it is. */
export function fileError(error: unknown, path: string): unknown {
  if (isGone(error)) return new WorkspaceLostError(path, 'is gone', { cause: error });
  if (codeOf(error) === 'ENOSPC') {
    return new NoSpaceError(`No space is left on the disk of ${path}`, { cause: error });
  }
  if (errnoOf(error) === -EDQUOT) {
    return new NoSpaceError(`The quota on the disk of ${path} is used up`, { cause: error });
  }
  return error;
}

/** Awaits a call on a path, and throws {@link fileError} where it fails. */
export async function onFile<T>(path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Node's name of a system error, e.g. `EEXIST`; undefined for other errors. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function errnoOf(error: unknown): number | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).errno : undefined;
}
