import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { stackS3 } from '../../src/local/clients.ts';
import { inspectObjects } from '../../src/storage/inspect-objects.ts';
import { headSource, type SourceHead } from '../../src/storage/objects.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';
import { s3Proxy } from '../support/s3-proxy.ts';

const MIB = 1024 * 1024;
const { signal } = new AbortController();

describe('inspectObjects', () => {
  test('finds by listing what HEAD finds, whatever the order, doubled and absent ones included', async () => {
    const stage = await prepare();
    const keys = Array.from({ length: 60 }, (_, index) => `dir/${index}.txt`);
    const others = ['dir/ü ä+😀', 'dir/😀', 'top.txt', 'dir-a.txt', 'dir/sub/x.txt'];
    await stage.put([...keys, ...others]);
    const wanted = [...keys.toReversed(), 'dir/absent', ...others, 'dir/7.txt', 'no/such/folder'];

    const heads = await stage.inspect(wanted);

    const asked = wanted.map((key) => headSource(testS3(), { bucket: stage.bucket, key }, signal));
    const withoutCrc = (head: SourceHead | undefined) => head && { ...head, crc32: undefined };
    expect(heads.map(withoutCrc)).toEqual((await Promise.all(asked)).map(withoutCrc));
    expect(stage.count('GET bucket')).toBe(1);
    expect(stage.count('HeadObject')).toBe(
      ['dir/absent', 'no/such/folder', 'top.txt', 'dir-a.txt', 'dir/sub/x.txt'].length,
    );
  });

  test('asks for the CRC-32 of those that S3 can copy', async () => {
    const stage = await prepare();
    const keys = Array.from({ length: 30 }, (_, index) => `dir/${index}.txt`);
    await stage.put(keys);
    await stage.put(['dir/big'], Buffer.alloc(5 * MIB));

    const heads = await stage.inspect([...keys, 'dir/big']);

    expect(heads.map((head) => head?.crc32 !== undefined)).toEqual([
      ...keys.map(() => false),
      true,
    ]);
    expect(stage.count('HeadObject')).toBe(1);
  });

  test('lists no further in a folder where few are wanted', async () => {
    const stage = await prepare();
    const keys = Array.from(
      { length: 2100 },
      (_, index) => `dir/${String(index).padStart(5, '0')}`,
    );
    await stage.put(keys);
    const wanted = keys.filter((_, index) => index < 30 || index >= 2060);

    const heads = await stage.inspect(wanted);

    expect(heads.map((head) => head?.key)).toEqual(wanted);
    expect(stage.count('GET bucket')).toBe(2);
    expect(stage.count('HeadObject')).toBe(40);
  });

  test('goes on from page to page', async () => {
    const stage = await prepare();
    const keys = Array.from({ length: 2100 }, (_, index) => `dir/${index}`);
    await stage.put(keys);

    const heads = await stage.inspect(keys);

    expect(heads.map((head) => head?.key)).toEqual(keys);
    expect(stage.count('GET bucket')).toBe(3);
    expect(stage.count('HeadObject')).toBe(0);
  });

  test('does without the right to list', async () => {
    const stage = await prepare();
    const keys = Array.from({ length: 30 }, (_, index) => `dir/${index}.txt`);
    await stage.put(keys);
    stage.proxy.intercept = ({ operation }) =>
      operation === 'GET bucket' ? { status: 403, code: 'AccessDenied' } : undefined;

    const heads = await stage.inspect(keys);

    expect(heads.map((head) => head?.key)).toEqual(keys);
  });

  test('says what to allow where S3 denies HEAD', async () => {
    const stage = await prepare();
    stage.proxy.intercept = () => ({ status: 403, code: 'AccessDenied' });

    await expect(stage.inspect(['a'])).rejects.toThrow(
      `S3 denies HeadObject on s3://${stage.bucket}/a; allow it for the worker's credentials`,
    );
  });
});

async function prepare() {
  const bucket = await uniqueBucket();
  const proxy = await s3Proxy();
  const put = async (keys: readonly string[], Body = Buffer.from('x')) => {
    const queue = keys.values();
    const lane = async () => {
      for (const Key of queue) {
        const command = new PutObjectCommand({
          Bucket: bucket,
          Key,
          Body,
          ChecksumAlgorithm: 'CRC32',
        });
        await testS3().send(command);
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
  };
  const inspect = (keys: readonly string[]) =>
    inspectObjects(
      stackS3(proxy.stack),
      keys.map((key) => ({ bucket, key })),
      { signal, onProgress: () => {} },
    );
  const count = (operation: string) =>
    proxy.calls.filter((call) => call.operation === operation).length;
  return { bucket, proxy, put, inspect, count };
}
