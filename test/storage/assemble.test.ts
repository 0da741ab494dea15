import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { BufferPool } from '../../src/archive/buffer-pool.ts';
import { isLiteral, layoutBatchZip, type ObjectLayout } from '../../src/archive/layout.ts';
import { decodeLayout, encodeLayout, type StoredLayout } from '../../src/archive/layout-file.ts';
import { planParts } from '../../src/archive/part-plan.ts';
import { bufferReader } from '../../src/archive/range-reader.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { stackS3 } from '../../src/local/clients.ts';
import { type AssemblyOptions, assembleObject } from '../../src/storage/assemble.ts';
import { Budget } from '../../src/storage/budget.ts';
import { originReader } from '../../src/storage/byte-origin.ts';
import type { ObjectVersion } from '../../src/storage/errors.ts';
import { abortUpload, createUpload, type MultipartUpload } from '../../src/storage/multipart.ts';
import { headObject } from '../../src/storage/objects.ts';
import { sampleArchive } from '../support/faults.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { LIMITS } from '../support/zip-fixtures.ts';

const MIB = 1024 * 1024;

describe('assembleObject', () => {
  let archive: Buffer;
  let layout: ObjectLayout;
  let stored: StoredLayout;

  /** Two copies, then entries without neighbours of which one is renamed, in two joined parts. */
  beforeAll(async () => {
    archive = await sampleArchive({ rows: 120, imageBytes: 200_000, seed: 1 });
    const entries = await readZipIndex(bufferReader(archive), LIMITS);
    const images = entries
      .filter(({ name }, index) => name.endsWith('.jpg') && (index < 60 || index % 2 === 0))
      .map((entry, index) => ({ name: index === 70 ? 'renamed.jpg' : entry.name, entry }));
    const manifest = { bytes: Buffer.from('imageName\n'), modTime: 0, modDate: 33 };
    layout = layoutBatchZip(images, manifest);
    const plan = planParts(layout, { copyTarget: 6 * MIB, joinTarget: 5 * MIB });
    stored = decodeLayout(encodeLayout(layout, plan, 'fingerprint'));
    expect(stored.parts.map(({ kind }) => kind)).toEqual(['copy', 'copy', 'join', 'join']);
  });

  test('makes the bytes of the layout, most of them by copies', async () => {
    const assembly = await prepare();

    const progress = await assembly.run();

    await assembly.expectObject();
    expect(progress.bytesCopied + progress.bytesWritten).toBe(layout.size);
    expect(progress.bytesCopied).toBeGreaterThan(layout.size / 2);
    expect(progress).toMatchObject({ parts: 4, bytesDone: layout.size, entriesVerified: 90 });
    expect(await headObject(testS3(), assembly.upload)).toMatchObject({ metadata: { a: 'b' } });
  });

  test('makes the same bytes without range copies, chosen so or found out', async () => {
    const chosen = await prepare();
    const foundOut = await prepare();
    foundOut.proxy.intercept = ({ operation }) =>
      operation === 'UploadPartCopy' ? { status: 501, code: 'NotImplemented' } : undefined;

    await expect(chosen.run({ rangeCopy: false })).resolves.toMatchObject({ bytesCopied: 0 });
    await expect(foundOut.run()).resolves.toMatchObject({ bytesCopied: 0 });

    expect(chosen.proxy.calls.some(({ operation }) => operation === 'UploadPartCopy')).toBe(false);
    await chosen.expectObject();
    await foundOut.expectObject();
  });

  test('makes the same bytes in whatever order the parts are done', async () => {
    const assembly = await prepare();
    const madeBefore: number[][] = [];
    assembly.proxy.intercept = async ({ part }) => {
      if (part !== 1 && part !== 3) return undefined;
      await vi.waitFor(() => expect(partsMade(assembly.proxy).length).toBeGreaterThan(1));
      madeBefore.push(partsMade(assembly.proxy));
      return undefined;
    };

    await assembly.run();

    expect(madeBefore).toContainEqual([2, 4]);
    await assembly.expectObject();
  });

  test('goes on from what S3 has, and verifies again only what was not', async () => {
    const assembly = await prepare();
    const stop = new AbortController();
    assembly.proxy.intercept = ({ part }) => (part > 2 ? new Promise(() => {}) : undefined);
    let checkpoint: AssemblyOptions['resumeFrom'];
    const first = assembly.run({
      signal: stop.signal,
      onProgress: (progress) => {
        checkpoint = { ...progress };
        if (progress.parts === 2 && progress.spans === stored.spans.length) stop.abort();
      },
    });
    await expect(first).rejects.toThrow();
    assembly.proxy.intercept = undefined;
    const before = assembly.proxy.calls.length;

    const progress = await assembly.run({ resumeFrom: checkpoint });

    const calls = assembly.proxy.calls.slice(before).map(({ operation }) => operation);
    expect(calls).toContain('ListParts');
    expect(calls).not.toContain('UploadPartCopy');
    expect(partsMade(assembly.proxy)).toEqual([1, 2, 3, 4]);
    expect(progress).toMatchObject({ parts: 4, bytesDone: layout.size });
    expect(progress.bytesCopied + progress.bytesWritten).toBe(layout.size);
    await assembly.expectObject();
  });

  test.each([
    ['copied', 10],
    ['joined', 80],
    ['renamed', 70],
  ])('completes nothing where an image that is %s has another CRC', async (_, index) => {
    const broken = Buffer.from(archive);
    const entry = layout.entries[index];
    const at = (entry?.dataStart ?? 0) + 1000;
    broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
    const assembly = await prepare(broken);

    await expect(assembly.run()).rejects.toThrow(
      expect.objectContaining({
        name: 'ArchiveError',
        message: expect.stringContaining(`${entry?.name}`),
      }),
    );

    expect(await headObject(testS3(), assembly.upload)).toBeUndefined();
    await expect(assembly.run({ verify: false })).resolves.toMatchObject({ parts: 4 });
  });

  test('fails where the source is another version, for copies and for reads', async () => {
    for (const rangeCopy of [true, false]) {
      const assembly = await prepare();
      await putSource(assembly.source.bucket, Buffer.from(archive).fill(0, 0, 10));

      await expect(assembly.run({ verify: false, rangeCopy })).rejects.toThrow(
        expect.objectContaining({ name: 'ObjectChangedError' }),
      );
    }
  });

  test('outlives a store that is slow down and loses answers', async () => {
    const assembly = await prepare();
    const seen = new Set<string>();
    assembly.proxy.intercept = (call) => {
      const id = `${call.operation} ${call.part}`;
      if (seen.has(id)) return undefined;
      seen.add(id);
      if (call.operation === 'GetObject') return 'lose the answer';
      return { status: 503, code: 'SlowDown' };
    };

    await assembly.run();

    await assembly.expectObject();
  });

  test.each(['ListParts', 'UploadPartCopy', 'UploadPart', 'GetObject', 'CompleteMultipartUpload'])(
    'says what to allow where S3 denies %s',
    async (denied) => {
      const assembly = await prepare();
      assembly.proxy.intercept = ({ operation }) =>
        operation === denied ? { status: 403, code: 'AccessDenied' } : undefined;

      await expect(assembly.run()).rejects.toThrow(
        expect.objectContaining({
          name: 'AccessDeniedError',
          message: expect.stringMatching(
            `^S3 denies ${denied} on s3://.*; allow it for the worker`,
          ),
        }),
      );
    },
  );

  test('says that an upload is gone once somebody has aborted it', async () => {
    const assembly = await prepare();
    await abortUpload(testS3(), assembly.upload);

    await expect(assembly.run()).rejects.toThrow(
      expect.objectContaining({ name: 'UploadGoneError' }),
    );
    await expect(abortUpload(testS3(), assembly.upload)).resolves.toBeUndefined();
  });

  /** The archive in a bucket of the test's own, and an upload that waits for its parts. */
  async function prepare(bytes = archive) {
    const bucket = await uniqueBucket();
    const source = await putSource(bucket, bytes);
    const proxy = await s3Proxy();
    const { signal } = new AbortController();
    const target = { bucket, key: 'batch/a.zip' };
    const upload = await createUpload(testS3(), target, {
      contentType: 'application/zip',
      metadata: { a: 'b' },
    });
    const run = (options: Partial<AssemblyOptions> = {}) =>
      assembleObject({
        s3: stackS3(proxy.stack),
        origin: originReader(stackS3(proxy.stack), { kind: 'object', object: source }),
        upload,
        layout: stored,
        verify: true,
        rangeCopy: true,
        bytes: new Budget(64 * MIB),
        pool: new BufferPool(64 * MIB),
        copies: new Budget(8),
        signal,
        resumeFrom: undefined,
        onProgress: () => {},
        ...options,
      });
    const expectObject = async () => {
      // Vitest's own comparison of so many bytes takes seconds.
      expect((await readObject(upload)).equals(bytesOf(layout))).toBe(true);
    };
    return { source, upload, proxy, run, expectObject };
  }

  async function putSource(bucket: string, Body: Buffer): Promise<ObjectVersion> {
    const location = { bucket, key: 'export/ä +.zip' };
    await testS3().send(new PutObjectCommand({ Bucket: bucket, Key: location.key, Body }));
    const head = await headObject(testS3(), location);
    return { ...location, etag: head?.etag ?? '', size: Body.length };
  }

  function bytesOf({ pieces }: ObjectLayout): Buffer {
    return Buffer.concat(
      pieces.map((piece) =>
        isLiteral(piece) ? piece.bytes : archive.subarray(piece.start, piece.end),
      ),
    );
  }
});

async function readObject({ bucket: Bucket, key: Key }: MultipartUpload): Promise<Buffer> {
  const { Body } = await testS3().send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

function partsMade(proxy: S3Proxy): number[] {
  const made = proxy.calls.filter(({ part, status }) => !Number.isNaN(part) && status === 200);
  return made.map(({ part }) => part).sort((a, b) => a - b);
}
