import { expect, test } from 'vitest';
import { ChunkLog, readFailures } from '../../src/activities/chunk-log.ts';
import { type ChunkRecord, ItemObjects } from '../../src/activities/item-objects.ts';
import { START } from '../../src/items/low-water.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';

/** What a chunk's result may be in a run's history, in bytes. */
const MAX_RECORD_BYTES = 300;

const CHUNK = { shard: 1, chunk: 3 };

test('a chunk that many attempts work on keeps a small record, and every failure once, in order', async () => {
  const bucket = await uniqueBucket();
  const objects = new ItemObjects(testS3(), { bucket, prefix: 'sheaf/run/plan/' });
  const { signal } = new AbortController();
  let record: ChunkRecord = { ...START, failures: [] };

  for (let attempt = 1; attempt <= 20; attempt++) {
    const writer = `0123456789ab.${attempt}`;
    const log = await ChunkLog.open(objects, { ...CHUNK, writer }, record, () => {}, signal);
    const first = record.next;
    log.counts.fail(first, `item-${first}`, 'no');
    await log.save();
    log.counts.succeed(first + 2, `item-${first + 2}`);
    log.counts.fail(first + 1, `item-${first + 1}`, 'no');
    record = await log.saveLast();
    // It is counted above the mark, and so forgotten with the attempt.
    log.counts.fail(first + 4, `item-${first + 4}`, 'never told');
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(MAX_RECORD_BYTES);
  }

  const told: string[] = [];
  for await (const bytes of readFailures(objects, CHUNK, record.failures, signal)) {
    for (const line of bytes.toString().trimEnd().split('\n')) told.push(JSON.parse(line).id);
  }
  expect(record).toMatchObject({ next: 60, failed: 40 });
  expect(told).toEqual(
    Array.from({ length: 60 }, (_, index) => index)
      .filter((index) => index % 3 < 2)
      .map((index) => `item-${index}`),
  );
});

test('a record is told only once the failures that it counts are in S3', async () => {
  const bucket = await uniqueBucket();
  const objects = new ItemObjects(testS3(), { bucket, prefix: 'sheaf/run/plan/' });
  const { signal } = new AbortController();
  const told: ChunkRecord[] = [];
  const tell = (record: ChunkRecord) => told.push(record);
  const from = { ...START, failures: [] };
  const writer = { ...CHUNK, writer: 'a.1' };
  const log = await ChunkLog.open(objects, writer, from, tell, signal);

  log.counts.fail(0, 'a', 'no');
  const saving = log.save();
  expect(told).toEqual([]);
  await saving;

  expect(told).toMatchObject([{ next: 1, failed: 1, failures: ['a.1:1'] }]);
  const [bytes] = await Array.fromAsync(readFailures(objects, CHUNK, ['a.1:1'], signal));
  expect(bytes?.toString()).toBe('{"id":"a","error":"no"}\n');
});
