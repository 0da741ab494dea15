import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type RouteCase, routeCase } from '../support/route-case.ts';
import { tempFolder } from '../support/temp-folder.ts';

describe('rules of a file', () => {
  let route: RouteCase;
  beforeEach(async () => {
    route = await routeCase();
  });

  test('are tried in order, and name the processor that takes a file', async () => {
    const rules = [
      { comparison: '<=', size: 3, action: 'NotifyFileTooSmall' },
      { comparison: '=', size: 'threshold', action: 'ProcessFile', processor: 'measure' },
      { comparison: '>=', size: 100, action: 'DefaultState' },
      { comparison: '>', size: 3, action: 'ProcessFile', processor: 'measure' },
    ];
    const measure = {
      name: 'measure',
      processFile: ({ bucket, key, size }: { bucket: string; key: string; size: number }) => ({
        measured: `${bucket}/${key}`,
        size,
      }),
    };
    await route.worker({ env: { ROUTE_RULES: await file(rules) }, processors: [measure] });

    expect(await statusOf(3)).toBe('too-small');
    expect(await statusOf(4)).toBe('processed');
    expect(await statusOf(2_000_000, { threshold: 2_000_000 })).toBe('processed');
    await expect(statusOf(100)).rejects.toThrow();

    expect(await route.notices()).toMatchObject([
      { status: 'too-small', size: 3 },
      { status: 'processed', result: { measured: `${route.bucket}/file-4`, size: 4 } },
      { status: 'processed', size: 2_000_000 },
      {
        status: 'failed',
        message: `No Matches! s3://${route.bucket}/file-100 has 100 bytes, which a rule sends to DefaultState`,
      },
    ]);
  });

  test('may leave sizes for which there is none', async () => {
    const rules = [{ comparison: '<', size: 2, action: 'NotifyFileTooSmall' }];
    await route.worker({ env: { ROUTE_RULES: await file(rules) } });

    await expect(statusOf(2)).rejects.toThrow();

    expect(await route.notices()).toMatchObject([
      {
        message: `No Matches! s3://${route.bucket}/file-2 has 2 bytes, for which no rule holds; add one (ROUTE_RULES)`,
      },
    ]);
  });

  test('name a processor that is called again where it fails, and whose result is not too large', async () => {
    const calls: number[] = [];
    const failing = {
      name: 'failing',
      processFile({ size }: { size: number }) {
        calls.push(size);
        if (calls.length === 1) throw new Error('not yet');
        return size > 1 ? 'x'.repeat(256 * 1024) : undefined;
      },
    };
    const rules = [{ comparison: '>', size: 0, action: 'ProcessFile', processor: 'failing' }];
    await route.worker({ env: { ROUTE_RULES: await file(rules) }, processors: [failing] });

    expect(await statusOf(1)).toBe('processed');
    await expect(statusOf(2)).rejects.toThrow();

    expect(calls).toEqual([1, 1, 2]);
    expect(await route.notices()).toMatchObject([
      { status: 'processed', result: null },
      {
        status: 'failed',
        message: `The processor failing gave a result of 262146 bytes for s3://${route.bucket}/file-2; at most 262144 fit into a notice: put it into S3, and give its URL`,
      },
    ]);
  });

  /** Routes a file of so many bytes. */
  async function statusOf(bytes: number, fields: object = {}): Promise<string> {
    const key = `file-${bytes}`;
    await route.put(key, Buffer.alloc(bytes));
    const run = await route.start({ bucket: route.bucket, key, ...fields });
    return (await run.result()).status;
  }
});

async function file(rules: unknown): Promise<string> {
  const path = join(await tempFolder(), 'rules.json');
  await writeFile(path, JSON.stringify(rules));
  return path;
}
