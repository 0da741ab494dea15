import pc from 'picocolors';
import type { SplitResult } from '../workflows/split-archive.ts';
import { formatBytes, formatCount, formatTable } from './format.ts';

/** What a finished split run has made, for people. */
export function splitReport(result: SplitResult): string {
  const rows = result.batches.map(({ name, rows, images, bytes, reused }) => [
    name,
    formatCount(rows, 'row'),
    formatCount(images, 'image'),
    formatBytes(bytes),
    reused ? 'was there already' : '',
  ]);
  return [
    formatTable(rows),
    '',
    `  ${pc.dim('copied by S3')}         ${formatBytes(result.bytesCopied)}`,
    `  ${pc.dim('read by workers')}      ${formatBytes(result.bytesRead)}`,
    `  ${pc.dim('written by workers')}   ${formatBytes(result.bytesWritten)}`,
  ].join('\n');
}
