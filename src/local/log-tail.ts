import { readFileSync, statSync } from 'node:fs';

/** Enough for a server's last words, and for a screen. */
const TAIL_CHARACTERS = 8192;
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

/** The last lines of a text, at most 12. */
export function lastLines(text: string): string {
  return text.slice(-TAIL_CHARACTERS).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
