import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ZipProgress, zipProgressQuery } from '../../src/workflows/zip-progress.ts';
import { testS3, uniqueBucket, uniqueName } from '../support/harness.ts';
import { hashesByPython, sha256 } from '../support/split-case.ts';
import { type ZipCase, zipCase } from '../support/zip-case.ts';
import { judgeZip } from '../support/zip-judges.ts';

const MIB = 1024 * 1024;

/** Small ones, none, and such as S3 copies all or most of, one of them in several parts. */
const OBJECTS = {
  'dir/a.png': randomBytes(1000),
  'dir/empty.txt': Buffer.alloc(0),
  'big/ä ö+#?.bin': randomBytes(12 * MIB),
  'big/b.bin': randomBytes(6 * MIB),
  'big/c.bin': randomBytes(40 * MIB),
  'c.png': randomBytes(50),
};

/** The same, where the worker makes every part: of 8 MiB, so that less has several. */
const MADE_OBJECTS = { ...OBJECTS, 'big/c.bin': OBJECTS['big/c.bin'].subarray(0, 18 * MIB) };

/** Buckets, a queue and a worker for all tests that need no settings of their own, nor empty buckets. */
let zip: ZipCase;
beforeAll(async () => {
  zip = await zipCase();
  await zip.worker();
});
afterEach(async () => {
  await zip.results();
});

describe('objects of all sizes become one archive', () => {
  test.each([
    ['with the CRC-32s that S3 has', OBJECTS, { checksum: true }, {}],
    ['with CRC-32s that reading tells', OBJECTS, { checksum: false }, {}],
    ['each part by another activity', OBJECTS, { checksum: false }, { SHARD_PARTS: '1' }],
    ['where S3 does not copy', MADE_OBJECTS, { checksum: false }, { RANGE_COPY: 'off' }],
    ['deflated', MADE_OBJECTS, { checksum: true }, {}],
  ])('%s', async (title, objects, options, settings) => {
    const zip = await zipCase();
    await zip.put(objects, options);
    await zip.worker(settings);

    const run = await zip.start({
      files: [
        { source: 'dir/a.png', destination: 'album_1' },
        { source: `s3://${zip.source}/dir/empty.txt`, destination: 'album_1/' },
        { source: 'big/ä ö+#?.bin', destination: 'Bücher/x' },
        { source: 'big/b.bin' },
        { source: 'big/c.bin' },
        { source: 'c.png' },
      ],
      compression: title === 'deflated' ? 'deflate' : 'store',
      metadata: { key: 'value', list: [1, null, 'ü\uffff'] },
    });
    const result = await run.result();

    const archive = await zip.archive(result.key);
    const names = [
      'album_1/a.png',
      'album_1/empty.txt',
      'Bücher/x/ä ö+#?.bin',
      'b.bin',
      'c.bin',
      'c.png',
    ];
    expect(await judgeZip(archive)).toEqual(names);
    const hashes = Object.values(objects).map((data, index) => [names[index], sha256(data)]);
    expect(hashesByPython(archive)).toEqual(hashes);
    expect(await zip.results()).toEqual([
      {
        status: 'success',
        archiveUrl: expect.stringContaining('X-Amz-Expires=604800'),
        bucket: zip.destination,
        key: result.key,
        size: archive.length,
        files: 6,
        renamed: [],
        metadata: { key: 'value', list: [1, null, 'ü\uffff'] },
      },
    ]);
    expect(await zip.keys()).toEqual([result.key]);
    expect(await zip.uploads()).toEqual([]);
  });

  test('and what S3 can copy, and knows the CRC-32 of, does not pass through the worker', async () => {
    await zip.put({ 'copied/a.bin': randomBytes(24 * MIB) }, { checksum: true });

    const result = await (await zip.start({ files: [{ source: 'copied/a.bin' }] })).result();

    expect(result.bytesCopied).toBeGreaterThan(18 * MIB);
    expect(result.bytesRead).toBeLessThan(6 * MIB);
    expect(await judgeZip(await zip.archive(result.key))).toEqual(['a.bin']);
  });
});

test('many small objects, of which a part holds hundreds', async () => {
  const objects = Array.from({ length: 600 }, (_, index) => {
    const content = randomBytes(index % 7 === 0 ? 0 : index * 80);
    return [`images/${index}.jpg`, content] as const;
  });
  const keys = await zip.put(objects);

  const run = await zip.start({ files: keys.map((source) => ({ source, destination: 'all' })) });
  const result = await run.result();

  expect(hashesByPython(await zip.archive(result.key))).toEqual(
    objects.map(([key, data]) => [key.replace('images', 'all'), sha256(data)]),
  );
});

test('names that are taken are made others, and reported', async () => {
  await zip.put({
    'a/x.png': Buffer.from('1'),
    'b/x.png': Buffer.from('2'),
    'c/X.PNG': Buffer.from('3'),
  });

  const files = ['a/x.png', 'b/x.png', 'a/x.png', 'c/X.PNG'].map((source) => ({ source }));
  const result = await (await zip.start({ files })).result();

  const archive = await zip.archive(result.key);
  const names = ['x.png', 'x (2).png', 'x (3).png', 'X (4).PNG'];
  expect(await judgeZip(archive)).toEqual(names);
  expect(hashesByPython(archive)).toEqual(
    ['1', '2', '1', '3'].map((content, index) => [names[index], sha256(Buffer.from(content))]),
  );
  expect(await zip.results()).toMatchObject([
    {
      renamed: [
        { source: `s3://${zip.source}/b/x.png`, name: 'x (2).png' },
        { source: `s3://${zip.source}/a/x.png`, name: 'x (3).png' },
        { source: `s3://${zip.source}/c/X.PNG`, name: 'X (4).PNG' },
      ],
    },
  ]);
});

test.each([
  ['one file', [randomBytes(10)]],
  ['one empty file', [Buffer.alloc(0)]],
])('an archive of %s', async (_, [data = Buffer.alloc(0)]) => {
  const source = `${uniqueName()}/a.txt`;
  await zip.put({ [source]: data });

  const result = await (await zip.start({ files: [{ source }] })).result();

  const archive = await zip.archive(result.key);
  expect(await judgeZip(archive)).toEqual(['a.txt']);
  expect(hashesByPython(archive)).toEqual([['a.txt', sha256(data)]]);
});

test('an archive is called what the job says, below the prefix, and downloads under that name', async () => {
  const zip = await zipCase();
  await zip.put({ 'a.txt': Buffer.from('a') });
  await zip.worker({
    S3_FILE_PREFIX: '/out/zips/',
    ARCHIVE_BASE_URL: 'https://cdn.example/files/',
  });

  const job = { files: [{ source: 'a.txt' }], archiveName: 'Käfer & Co.zip' };
  const result = await (await zip.start(job)).result();

  expect(result.key).toBe('out/zips/Käfer & Co.zip');
  expect(await zip.results()).toMatchObject([
    { archiveUrl: 'https://cdn.example/files/out/zips/K%C3%A4fer%20%26%20Co.zip' },
  ]);
  const location = { Bucket: result.bucket, Key: result.key };
  expect(await testS3().send(new HeadObjectCommand(location))).toMatchObject({
    ContentType: 'application/zip',
    ContentDisposition: `attachment; filename="K_fer & Co.zip"; filename*=UTF-8''K%C3%A4fer%20%26%20Co.zip`,
  });
});

test('a list of files may lie in S3, and sources in other buckets', async () => {
  const other = await uniqueBucket();
  await testS3().send(new PutObjectCommand({ Bucket: other, Key: 'x/b.txt', Body: 'b' }));
  const list = { files: [{ source: `s3://${other}/x/b.txt`, destination: 'd' }] };
  await zip.put({ 'list.json': Buffer.from(JSON.stringify(list)) });

  const run = await zip.start({ fileList: `s3://${zip.source}/list.json` });
  const result = await run.result();

  expect(await judgeZip(await zip.archive(result.key))).toEqual(['d/b.txt']);
});

describe('a job that is run again', () => {
  test('finds its archive, and reads and writes nothing', async () => {
    await zip.put({ 'same/a.txt': randomBytes(1000) });
    const job = { files: [{ source: 'same/a.txt' }], archiveName: 'same' };
    const first = await (await zip.start(job)).result();

    const second = await (await zip.start(job)).result();

    expect(second).toMatchObject({ reused: true, size: first.size, bytesRead: 0, bytesWritten: 0 });
    expect(await zip.results()).toHaveLength(2);
  });

  test('builds it anew once an object is another', async () => {
    await zip.put({ 'anew/a.txt': Buffer.from('old') });
    const job = { files: [{ source: 'anew/a.txt' }], archiveName: 'anew' };
    await (await zip.start(job)).result();
    await zip.put({ 'anew/a.txt': Buffer.from('new') });

    const { reused, key } = await (await zip.start(job)).result();

    expect(reused).toBe(false);
    expect(hashesByPython(await zip.archive(key))).toEqual([['a.txt', sha256(Buffer.from('new'))]]);
  });
});

test('what a run has done is told by its progress query and details', async () => {
  await zip.put({ 'told/a.bin': randomBytes(6 * MIB), 'told/b.bin': randomBytes(6 * MIB) });
  const run = await zip.start({ files: [{ source: 'told/a.bin' }, { source: 'told/b.bin' }] });
  const { size, key } = await run.result();

  expect(await run.query(zipProgressQuery)).toEqual({
    stage: 'done',
    archive: `s3://${zip.destination}/${key}`,
    files: { done: 2, total: 2 },
    deflated: { done: 0, total: 0 },
    bytes: { done: size, total: size },
    shards: { done: 1, total: 1 },
    reused: false,
  } satisfies ZipProgress);
});
