import { randomBytes } from 'node:crypto';
import { type GetObjectCommandInput, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { stackS3 } from '../../src/local/clients.ts';
import type { ObjectVersion } from '../../src/storage/errors.ts';
import { headObject } from '../../src/storage/objects.ts';
import { PREFETCH_CHUNK_BYTES, PREFETCH_LANES, prefetchRange } from '../../src/storage/prefetch.ts';
import { gate } from '../support/faults.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';
import { s3Proxy } from '../support/s3-proxy.ts';

const { signal } = new AbortController();

describe('prefetchRange', () => {
  const bytes = randomBytes(6 * PREFETCH_CHUNK_BYTES + 1234);
  let source: ObjectVersion;

  beforeAll(async () => {
    source = await putSource(await uniqueBucket(), bytes);
  });

  test('gives the bytes of a range', async () => {
    const whole = prefetchRange(testS3(), source, 0, source.size, { signal });
    const middle = prefetchRange(testS3(), source, 5, source.size - 77, { signal });

    expect((await collect(whole)).equals(bytes)).toBe(true);
    const expected = bytes.subarray(5, source.size - 77);
    expect((await collect(middle)).equals(expected)).toBe(true);
  });

  test('uses its buffers again, but not those of the last two chunks', async () => {
    const memory = new Set<ArrayBufferLike>();
    let before: Buffer | undefined;
    let start = 0;
    for await (const chunk of prefetchRange(testS3(), source, 0, source.size, { signal })) {
      memory.add(chunk.buffer);
      const wanted = bytes.subarray(start - (before?.length ?? 0), start + chunk.length);
      expect(Buffer.concat([before ?? Buffer.alloc(0), chunk]).equals(wanted)).toBe(true);
      before = chunk;
      start += chunk.length;
    }
    expect(memory.size).toBe(PREFETCH_LANES + 1);
  });

  test('opens no more GETs than its lanes until the reader asks for more', async () => {
    const proxy = await s3Proxy();
    const chunks = prefetchRange(stackS3(proxy.stack), source, 0, source.size, { signal });
    await chunks.next();
    await vi.waitFor(() => expect(proxy.succeeded('GetObject')).toHaveLength(PREFETCH_LANES));

    expect(proxy.calls).toHaveLength(PREFETCH_LANES);
    await chunks.return(undefined);
  });

  test('leaves no GET open where the reader stops early', async () => {
    const proxy = await s3Proxy();
    const s3 = stackS3(proxy.stack);
    const first = gate();
    let ended = 0;
    s3.middlewareStack.add(
      (next) => async (args) => {
        const { Range } = args.input as GetObjectCommandInput;
        if (!Range?.startsWith('bytes=0-')) await first.opened;
        return next(args).finally(() => {
          ended += 1;
        });
      },
      { step: 'initialize' },
    );
    proxy.intercept = () => {
      first.open();
      return proxy.calls.length === 1 ? undefined : new Promise(() => {});
    };

    for await (const chunk of prefetchRange(s3, source, 0, source.size, { signal })) {
      expect(chunk.equals(bytes.subarray(0, PREFETCH_CHUNK_BYTES))).toBe(true);
      await vi.waitFor(() => expect(proxy.calls).toHaveLength(PREFETCH_LANES));
      expect(ended).toBe(1);
      break;
    }

    expect(ended).toBe(PREFETCH_LANES);
    expect(proxy.succeeded('GetObject')).toHaveLength(1);
  });

  test('fails as a read does where the object is another version', async () => {
    const changing = await putSource(await uniqueBucket(), bytes);
    const chunks = prefetchRange(testS3(), changing, 0, changing.size, { signal });
    await chunks.next();
    await putSource(changing.bucket, randomBytes(changing.size));

    await expect(Array.fromAsync(chunks)).rejects.toThrow(
      expect.objectContaining({ name: 'ObjectChangedError' }),
    );
  });

  async function putSource(bucket: string, Body: Buffer): Promise<ObjectVersion> {
    const location = { bucket, key: 'export/a.tar.gz' };
    await testS3().send(new PutObjectCommand({ Bucket: bucket, Key: location.key, Body }));
    return (await headObject(testS3(), location)) as ObjectVersion;
  }
});

/** A copy of all bytes: a chunk is valid only for a while. */
async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks, (chunk) => Buffer.from(chunk)));
}
