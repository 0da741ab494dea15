import { WorkflowFailedError } from '@temporalio/client';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  filesOf,
  imageBytesOf,
  PLAIN_HEADER,
  plainExport,
  withManifest,
  zipByPython,
} from '../support/export-fixtures.ts';
import { uniqueName, uniqueTaskQueue } from '../support/harness.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { type SplitCase, splitCase, startWorker } from '../support/split-case.ts';
import { expectFailure } from '../support/split-expectations.ts';
import { type CraftedEntry, craftZip } from '../support/zip-crafting.ts';

interface Case {
  title: string;
  /** Undefined where there is none. */
  archive: Buffer | undefined;
  /** What the client is told. */
  error: string | ((job: SplitCase['job']) => string);
  /** Settings of the worker. */
  env?: Record<string, string>;
}

const CONTENT = plainExport(5);
const GOOD = zipByPython(filesOf(CONTENT));
const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), imageBytesOf('png', 900)]);

const notArchives: Case[] = [
  {
    title: 'absent',
    archive: undefined,
    error: (job) => `${archiveUrl(job)} does not exist; upload it, then send the job again`,
  },
  {
    title: 'a text',
    archive: Buffer.from('this is no archive'),
    error: (job) =>
      `${archiveUrl(job)} is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes 7468697320697320`,
  },
  {
    title: 'a picture',
    archive: PNG,
    error: (job) =>
      `${archiveUrl(job)} is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes 89504e470d0a1a0a`,
  },
  {
    title: 'empty',
    archive: Buffer.alloc(0),
    error: (job) => `${archiveUrl(job)} is not a ZIP, TAR or TAR.GZ archive: it is empty`,
  },
  {
    title: 'one byte',
    archive: Buffer.from('P'),
    error: (job) =>
      `${archiveUrl(job)} is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes 50`,
  },
  {
    title: 'a TAR.XZ',
    archive: Buffer.concat([Buffer.from('\xfd7zXZ\0\0\x04', 'latin1'), PNG]),
    error: (job) =>
      `${archiveUrl(job)} is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes fd377a585a000004`,
  },
  {
    title: 'a ZIP without entries',
    archive: craftZip([]),
    error:
      'The archive has no manifest: expected manifest.csv or one *.csv beside the images, found 0 files, none of them a CSV',
  },
  {
    title: 'cut off in the middle',
    archive: GOOD.subarray(0, GOOD.length / 2),
    error:
      'The ZIP archive is truncated: there is no end of central directory record in its last 5423 bytes',
  },
  {
    title: 'cut off by its last byte',
    archive: GOOD.subarray(0, -1),
    error:
      'The ZIP archive is truncated: the end of central directory record at offset 10825 is cut off at the end of the archive, 10846',
  },
  {
    title: 'without its first kilobyte',
    archive: GOOD.subarray(1024),
    error: (job) =>
      `${archiveUrl(job)} is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes cf6c7efff4c95271`,
  },
];

const entries: Case[] = [
  {
    title: 'encrypted',
    archive: craftZip([{ name: 'image-1.jpg', data: PNG, flags: 1 }]),
    error: 'Entry "image-1.jpg": is encrypted',
  },
  {
    title: 'bzip2',
    archive: zipByPython(filesOf(CONTENT), { method: 'ZIP_BZIP2' }),
    error:
      'Entry "image-1.jpg": compression method 12 is not supported, only 0 and 8 (store and deflate)',
  },
  {
    title: 'LZMA',
    archive: zipByPython(filesOf(CONTENT), { method: 'ZIP_LZMA' }),
    error:
      'Entry "image-1.jpg": compression method 14 is not supported, only 0 and 8 (store and deflate)',
  },
  {
    title: 'AES',
    archive: withEntry({ name: 'x.jpg', data: PNG, method: 99 }),
    error:
      'Entry "x.jpg": compression method 99 is not supported, only 0 and 8 (store and deflate)',
  },
  ...[
    ['../x.jpg', 'climbs with ".."'],
    ['a/../../x.jpg', 'climbs with ".."'],
    ['/x.jpg', 'is an absolute path'],
    ['C:/x.jpg', 'starts with a drive letter'],
    ['C:\\x.jpg', 'holds a backslash'],
    ['a\\x.jpg', 'holds a backslash'],
    ['x\0.jpg', 'holds a NUL character'],
    ['x\n.jpg', 'holds a control character'],
  ].map(([name = '', flaw]) => ({
    title: `called ${JSON.stringify(name)}`,
    archive: withEntry({ name, data: PNG }),
    error: `Entry ${JSON.stringify(name)}: the name ${flaw}`,
  })),
  {
    title: 'two that differ by case',
    archive: withEntry({ name: 'IMAGE-1.jpg', data: PNG }),
    error: 'Entry "IMAGE-1.jpg": differs from "image-1.jpg" only by case or Unicode form',
  },
  {
    title: 'two that differ by Unicode form',
    archive: withEntry({ name: 'é.jpg', data: PNG }, { name: 'e\u0301.jpg', data: PNG }),
    error: 'Entry "é.jpg": differs from "é.jpg" only by case or Unicode form',
  },
  {
    title: 'two of one name',
    archive: withEntry({ name: 'image-1.jpg', data: PNG }),
    error: 'Entry "image-1.jpg": the archive has it twice, with different content',
  },
  {
    title: 'two of one name, one with ./',
    archive: withEntry({ name: './image-1.jpg', data: PNG }),
    error:
      'Entry "./image-1.jpg": the archive has it also as "image-1.jpg", with different content',
  },
  {
    title: 'manifest.csv of a case of its own',
    archive: withEntry({ name: 'Manifest.csv', data: Buffer.from('x') }),
    error: 'Entry "Manifest.csv": differs from "manifest.csv" only by case or Unicode form',
  },
];

const GRAY = Buffer.alloc(2_000_000, 'gray');
const BIG_MANIFEST = withManifest(CONTENT, `${PLAIN_HEADER}1,image-1.jpg,${'x'.repeat(990)}\n`);
const limits: Case[] = [
  {
    title: 'MAX_ENTRIES',
    archive: GOOD,
    error: 'The archive has 6 entries, the limit is 5 (MAX_ENTRIES)',
    env: { MAX_ENTRIES: '5' },
  },
  {
    title: 'MAX_ENTRY_BYTES',
    archive: GOOD,
    error: 'Entry "image-1.jpg": has 2000 bytes, the limit is 1999 (MAX_ENTRY_BYTES)',
    env: { MAX_ENTRY_BYTES: '1999' },
  },
  {
    title: 'MAX_TOTAL_BYTES',
    archive: GOOD,
    error:
      "The archive's entries have 10235 bytes or more together, the limit is 10000 (MAX_TOTAL_BYTES)",
    env: { MAX_TOTAL_BYTES: '10000' },
  },
  {
    title: 'MAX_RATIO',
    archive: withEntry({ name: 'gray.jpg', data: GRAY, method: 8 }),
    error:
      'Entry "gray.jpg": inflates from 1960 to 2000000 bytes, the limit is 50 times (MAX_RATIO)',
    env: { MAX_RATIO: '50' },
  },
  {
    title: 'MAX_MANIFEST_BYTES',
    archive: BIG_MANIFEST,
    error: 'Entry "manifest.csv": has 1040 bytes, the limit is 1000 (MAX_MANIFEST_BYTES)',
    env: { MAX_MANIFEST_BYTES: '1000' },
  },
  {
    title: 'MAX_ROW_BYTES',
    archive: BIG_MANIFEST,
    error:
      'Manifest "manifest.csv", line 2: the row has more than 1000 bytes; close its open quote if there is one, else raise MAX_ROW_BYTES',
    env: { MAX_ROW_BYTES: '1000' },
  },
  {
    title: 'MAX_BATCHES',
    archive: GOOD,
    error: '5 rows make 3 batches of 2, the limit is 2 (MAX_BATCHES); raise BATCH_SIZE',
    env: { MAX_BATCHES: '2', BATCH_SIZE: '2' },
  },
];

/** What the client drops, in a text that an archive's maker chose. */
const phrases: Case[] = [
  ['Unknown function: x', 'Unfamiliar function: x'],
  ['Unknown function:: x', 'Unfamiliar function:: x'],
  ['Invalid JSON', 'Broken JSON'],
  ['Missing function', 'Absent function'],
  ['Class A not found', 'Class A absent'],
].map(([phrase = '', told]) => ({
  title: phrase,
  archive: withEntry({ name: phrase, data: PNG, method: 99 }),
  error: `Entry "${told}": compression method 99 is not supported, only 0 and 8 (store and deflate)`,
}));

let sharedTaskQueue: string;
beforeAll(async () => {
  sharedTaskQueue = uniqueTaskQueue();
  await startWorker(sharedTaskQueue);
});

const groups: [string, Case[]][] = [
  ['an archive that is', notArchives],
  ['an entry', entries],
  ['over the limit', limits],
  ['a phrase that the client drops:', phrases],
];

const failureOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  async ({ archive, env }) => {
    const taskQueue = env ? uniqueTaskQueue() : sharedTaskQueue;
    if (env) await startWorker(taskQueue, env);
    return splitCase(archive, {}, taskQueue);
  },
  (split, { error }) => expectFailure(split, typeof error === 'string' ? error : error(split.job)),
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', failureOf);
});

test('a bucket that is absent', async () => {
  const fields = { s3Bucket: uniqueName() };
  const split = await splitCase(undefined, fields, sharedTaskQueue);
  const run = await split.start();
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
  expect(await split.results()).toMatchObject([
    {
      status: 'failed',
      error: `${archiveUrl(split.job)} does not exist; upload it, then send the job again`,
    },
  ]);
});

function archiveUrl({ s3Bucket, exportPath }: SplitCase['job']): string {
  return `s3://${s3Bucket}/${exportPath}`;
}

/** A good archive with entries more. */
function withEntry(...added: CraftedEntry[]): Buffer {
  return craftZip([...filesOf(CONTENT).map(([name, data]) => ({ name, data })), ...added]);
}
