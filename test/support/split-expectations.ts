import { WorkflowFailedError } from '@temporalio/client';
import { expect } from 'vitest';
import { type ExportContent, manifestOf, readBatchZips } from './export-fixtures.ts';
import { type SplitCase, sha256 } from './split-case.ts';
import { testByUnzip } from './zip-fixtures.ts';

/**
 * Asserts that a finished run left what the contract says of `content`: one success message, batch
 * zips with the rows' and the images' very bytes, and nothing else in the bucket.
 */
export async function expectBatchZips(
  split: SplitCase,
  content: ExportContent,
  batchSize: number,
): Promise<void> {
  const { downloadId, exportPath, file } = split.job;
  const base = file.replace(/\.(zip|tar\.gz|tgz|tar)$/, '');
  const batches = chunk(content.rows, batchSize);
  const batchFiles = batches.map((_, index) => `${base}-part${index + 1}.zip`);
  expect(await split.results()).toEqual([
    { function: 'BiospexBatchCreator', status: 'success', downloadId, batchFiles },
  ]);
  const keys = [exportPath, ...batchFiles.map((name) => `batch/${name}`)];
  expect((await split.keys()).sort()).toEqual(keys.sort());
  expect(await split.uploads()).toEqual([]);

  const zips = await Promise.all(batchFiles.map((name) => split.part(name)));
  for (const zip of zips) testByUnzip(zip);
  const read = readBatchZips(zips);
  const hashes = new Map([...content.images].map(([name, data]) => [name, sha256(data)]));
  batches.forEach((rows, index) => {
    const { entries = [], manifest = Buffer.alloc(0) } = read[index] ?? {};
    expect(manifest.toString()).toBe(manifestOf({ ...content, rows }).toString());
    const images = new Set(rows.map(({ image }) => image));
    const expected = [...images].map((name) => `${name} ${hashes.get(name)}`);
    expected.push(`manifest.csv ${sha256(manifest)}`);
    expect(linesOf(entries.map(({ name, sha256 }) => `${name} ${sha256}`))).toBe(linesOf(expected));
  });
  const header = Buffer.from(content.header);
  const rows = read.map(({ manifest }) => manifest.subarray(header.length));
  expect(Buffer.concat([header, ...rows]).equals(manifestOf(content))).toBe(true);
}

/**
 * Asserts that the case's run fails, that its client is told `error` once, and that nothing but what
 * was there before is left in the bucket.
 */
export async function expectFailure(split: SplitCase, error: string): Promise<void> {
  const before = await split.keys();
  const run = await split.start();
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
  const { downloadId } = split.job;
  expect(await split.results()).toEqual([
    { function: 'BiospexBatchCreator', status: 'failed', downloadId, error },
  ]);
  expect(await split.keys()).toEqual(before);
  expect(await split.uploads()).toEqual([]);
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** One text, because thousands of lines are compared faster so. */
function linesOf(lines: readonly string[]): string {
  return lines.toSorted().join('\n');
}
