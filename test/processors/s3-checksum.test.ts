import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import createS3Checksum from '../../src/processors/s3-checksum.ts';
import { testS3, testSqs, uniqueBucket } from '../support/harness.ts';
import { itemsCase } from '../support/items-case.ts';

const BYTES = randomBytes(300_000);
const SUMS = {
  sha256: createHash('sha256').update(BYTES).digest('hex'),
  md5: createHash('md5').update(BYTES).digest('hex'),
  crc32: crc32(BYTES).toString(16).padStart(8, '0'),
};
/** Its CRC-32 is 00000728: the zeros belong to it. */
const SMALL_CRC = Buffer.from('zeros-1066596');
const EMPTY = { sha256: createHash('sha256').digest('hex'), crc32: '00000000' };

let bucket: string;

beforeAll(async () => {
  bucket = await uniqueBucket();
  const objects = { 'dir/a b+ä.bin': BYTES, empty: Buffer.alloc(0), small: SMALL_CRC };
  for (const [Key, Body] of Object.entries(objects)) {
    await testS3().send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
  }
});

describe('an object passes', () => {
  test.each(Object.entries(SUMS))(
    'whose %s is right, in digits of either case',
    async (name, sum) => {
      await check({ key: 'dir/a b+ä.bin', [name]: sum });
      await check({ key: 'dir/a b+ä.bin', [name]: sum.toUpperCase() });
    },
  );

  test('that is empty, or has a checksum that begins with zeros', async () => {
    await check({ key: 'empty', ...EMPTY });
    await check({ key: 'empty', crc32: EMPTY.crc32 });
    await check({ key: 'small', crc32: '00000728' });
  });

  test('whose item leaves cells of other checksums empty, and has more columns', async () => {
    await check({ key: 'dir/a b+ä.bin', sha256: '', md5: SUMS.md5, crc32: null, owner: 'me' });
  });

  test('whose strongest checksum is right: the others are not looked at', async () => {
    await check({ key: 'dir/a b+ä.bin', sha256: SUMS.sha256, md5: '0'.repeat(32) });
    await check({ key: 'dir/a b+ä.bin', md5: SUMS.md5, crc32: '00000000' });
  });
});

describe('an object fails', () => {
  test.each(Object.entries(SUMS))('whose %s is another', async (name, sum) => {
    const other = `${sum.slice(0, -1)}${sum.endsWith('0') ? '1' : '0'}`;
    await expect(check({ key: 'dir/a b+ä.bin', [name]: other })).rejects.toThrow(
      `s3://${bucket}/dir/a b+ä.bin has the ${name} ${sum}, expected ${other}`,
    );
  });

  test('whose checksum begins with zeros, which are told', async () => {
    await expect(check({ key: 'small', crc32: 'ffffffff' })).rejects.toThrow(
      `s3://${bucket}/small has the crc32 00000728, expected ffffffff`,
    );
  });

  test('that is not there', async () => {
    await expect(check({ key: 'absent', ...EMPTY })).rejects.toThrow(
      `s3://${bucket}/absent does not exist`,
    );
  });

  test.each([
    [
      { key: 'empty' },
      'expected a checksum in one of the fields sha256, md5, crc32, got {"bucket":',
    ],
    [{ key: 'empty', sha256: '', md5: '', crc32: '' }, 'expected a checksum in one of'],
    [{ key: 'empty', crc32: '00' }, 'crc32: expected 8 hexadecimal digits, got "00"'],
    [{ sha256: SUMS.sha256 }, 'key: expected string, got nothing'],
    [{ key: '', ...EMPTY }, 'key: expected text that is not empty, got ""'],
    [{ bucket: 'a/b', key: 'c', ...EMPTY }, 'bucket: expected the name of an S3 bucket, got "a/b"'],
  ])('whose item is wrong: %j', async (fields: Record<string, unknown>, problem) => {
    await expect(check(fields)).rejects.toThrow(problem);
  });

  test('whose time is up', async () => {
    const reason = new Error('time is up');
    const late = processor().process(
      { id: 'a', value: 0, fields: { bucket, key: 'dir/a b+ä.bin', ...SUMS } },
      { signal: AbortSignal.abort(reason), timeScale: 1, batchId: 'a' },
    );
    await expect(late).rejects.toThrow();
  });
});

test('a batch checks the objects of a CSV file, which needs no column for values', async () => {
  const items = await itemsCase();
  await items.worker();
  const rows = [
    ['one', bucket, 'dir/a b+ä.bin', SUMS.sha256],
    ['two', bucket, 'empty', SUMS.sha256],
    ['three', bucket, 'absent', SUMS.sha256],
    ['four', bucket, 'empty', EMPTY.sha256],
  ];
  const header = 'id,bucket,key,sha256\n';
  const source = await items.put(
    'items.csv',
    `${header}${rows.map((row) => row.join()).join('\n')}`,
  );

  const run = await items.start({ source, processor: 's3-checksum' });

  const result = await run.result();
  expect(result).toMatchObject({ total: 4, succeeded: 2, failed: 2 });
  expect(await items.failures(result.failures)).toEqual([
    {
      id: 'two',
      error: `s3://${bucket}/empty has the sha256 ${EMPTY.sha256}, expected ${SUMS.sha256}`,
    },
    { id: 'three', error: `s3://${bucket}/absent does not exist` },
  ]);
});

function processor() {
  return createS3Checksum({ s3: testS3(), sqs: testSqs() });
}

async function check(fields: Record<string, unknown>): Promise<unknown> {
  const { signal } = new AbortController();
  const item = { id: 'a', value: 0, fields: { bucket, ...fields } };
  return processor().process(item, { signal, timeScale: 1, batchId: 'a' });
}
