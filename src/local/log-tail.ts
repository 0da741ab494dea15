import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/** Enough for a server's last words, and for a screen. */
const TAIL_BYTES = 8192;
const TAIL_LINES = 12;

/** Size of a file in bytes, 0 where there is none. */
export function fileSize(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** What was written to a text file from byte `start` on; empty where it can't be read. */
export function textOf(file: string, start: number): string {
  try {
    return readFileSync(file).subarray(start).toString('utf8');
  } catch {
    return '';
  }
}

/** The last lines of what was written to a text file from byte `start` on, at most 12. */
export function tailOf(file: string, start: number): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(start, size - TAIL_BYTES);
    const bytes = Buffer.alloc(Math.max(0, size - from));
    readSync(fd, bytes, 0, bytes.length, from);
    return bytes.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    closeSync(fd);
  }
}
