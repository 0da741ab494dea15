import type { MovedBytes } from '../storage/copy-part.ts';
import { formatBytes } from './format.ts';

/**
 * The bytes that a run has moved, and how, for people.
 *
 * @param name gives a line's name its colour
 */
export function movedBytesReport(
  moved: Readonly<MovedBytes>,
  name: (text: string) => string,
): string {
  return [
    `  ${name('copied by S3')}         ${formatBytes(moved.bytesCopied)}`,
    `  ${name('read by workers')}      ${formatBytes(moved.bytesRead)}`,
    `  ${name('written by workers')}   ${formatBytes(moved.bytesWritten)}`,
  ].join('\n');
}
