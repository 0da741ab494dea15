import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../src/archive/buffer-pool.ts';
import { FileCrcs } from '../../src/archive/file-crcs.ts';
import { cutParts } from '../../src/archive/part-plan.ts';
import {
  type ArchivedFile,
  layoutZip,
  zipDirectory,
  zipHeader,
} from '../../src/archive/zip-layout.ts';
import type { PlannedPart, PlannedPiece, PlannedSource } from '../../src/archive/zip-shard-file.ts';
import { rangesOf } from '../../src/archive/zip-shards.ts';
import { stackS3 } from '../../src/local/clients.ts';
import { Budget } from '../../src/storage/budget.ts';
import { completeUpload, createUpload, listParts } from '../../src/storage/multipart.ts';
import { getObject, headObject } from '../../src/storage/objects.ts';
import {
  makeZipParts,
  type ShardProgress,
  type ZipPartsOptions,
} from '../../src/storage/zip-parts.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { hashesByPython, sha256 } from '../support/split-case.ts';
import { judgeZip } from '../support/zip-judges.ts';

const MIB = 1024 * 1024;
const NEVER = new AbortController().signal;

/** Some that are joined, and one that is copied but for its first 5 MiB. */
const CONTENTS = [...Array.from({ length: 12 }, () => randomBytes(MIB)), randomBytes(14 * MIB)];

describe('makeZipParts', () => {
  test.each([
    ['known', 'in memory', 32 * MIB],
    ['unknown', 'in memory', 32 * MIB],
    ['known', 'as they are read', 0],
    ['unknown', 'as they are read', 0],
  ])('of files with %s CRC-32s puts parts together %s', async (crcs, _, maxJoinedBytes) => {
    const stage = await prepare(crcs === 'known');

    const progress = await stage.run({ maxJoinedBytes });

    const archive = await stage.complete();
    await judgeZip(archive);
    expect(hashesByPython(archive)).toEqual(
      CONTENTS.map((content, index) => [`${index}.bin`, sha256(content)]),
    );
    expect(progress).toMatchObject({ parts: stage.parts.length, bytesDone: archive.length });
    const withFiles = stage.parts.filter((part) => rangesOf(part).length > 0);
    expect(Object.keys(progress.crcs)).toHaveLength(crcs === 'known' ? 0 : withFiles.length);
  });

  test('moves what S3 does not copy, where it says so or is not to be asked', async () => {
    for (const rangeCopy of [true, false]) {
      const stage = await prepare(false);
      stage.proxy.intercept = ({ operation }) =>
        operation === 'UploadPartCopy' ? { status: 501, code: 'NotImplemented' } : undefined;

      expect(await stage.run({ rangeCopy })).toMatchObject({ bytesCopied: 0 });

      await judgeZip(await stage.complete());
    }
  });

  test('reads again, and does not make again, parts whose CRC-32s a dead attempt took with it', async () => {
    const stage = await prepare(false);
    await stage.run();
    const made = partCalls(stage.proxy);

    const again = await stage.run();

    expect(partCalls(stage.proxy)).toBe(made);
    expect(again.bytesRead).toBe(CONTENTS.reduce((sum, { length }) => sum + length, 0));
    await judgeZip(await stage.complete());
  });

  test('reads nothing again of what an attempt has told', async () => {
    const stage = await prepare(false);
    const first = await stage.run();
    const calls = stage.proxy.calls.length;

    const again = await stage.run({ resumeFrom: first });

    expect(stage.proxy.calls.slice(calls).map(({ operation }) => operation)).toEqual(['ListParts']);
    expect(again).toEqual(first);
  });

  test('refuses a file that is not what S3 says of it', async () => {
    const stage = await prepare(true, (file) =>
      file.name === '3.bin' ? { ...file, crc32: 1 } : file,
    );

    await expect(stage.run()).rejects.toThrow(
      expect.objectContaining({
        name: 'ArchiveError',
        message: expect.stringMatching(/^Entry "3\.bin": CRC-32 is [0-9a-f]{8}, S3 says 00000001$/),
      }),
    );
  });

  test('outlives a store that is slow down and loses answers', async () => {
    const stage = await prepare(false);
    const seen = new Set<string>();
    stage.proxy.intercept = (call) => {
      const id = `${call.operation} ${call.part} ${call.key}`;
      if (seen.has(id)) return undefined;
      seen.add(id);
      if (call.operation === 'GetObject') return 'lose the answer';
      return { status: 503, code: 'SlowDown' };
    };

    await stage.run();

    await judgeZip(await stage.complete());
  });

  test('never holds more bytes than its budget, and what is more is waited for', async () => {
    const stage = await prepare(false);
    const bytes = new Budget(16 * MIB);
    let most = 0;
    stage.proxy.intercept = () => {
      most = Math.max(most, bytes.taken);
      return undefined;
    };

    await stage.run({ bytes });

    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(16 * MIB);
    await judgeZip(await stage.complete());
  });
});

/** Objects in a bucket of the test's own, and an archive of them that waits for its parts. */
async function prepare(
  isKnown: boolean,
  alter: (file: ArchivedFile) => ArchivedFile = (file) => file,
) {
  const bucket = await uniqueBucket();
  const proxy = await s3Proxy();
  const s3 = stackS3(proxy.stack);
  const sources = await Promise.all(
    CONTENTS.map(async (content, index): Promise<Required<PlannedSource>> => {
      const key = `source/${index}`;
      await testS3().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content }));
      const head = await headObject(testS3(), { bucket, key });
      const file = {
        name: `${index}.bin`,
        size: content.length,
        crc32: isKnown ? crc32(content) : undefined,
        modTime: 0,
        modDate: 33,
      };
      return { bucket, key, etag: head?.etag ?? '', size: content.length, file: alter(file) };
    }),
  );
  const files = sources.map(({ file }) => file);
  const parts: PlannedPart[] = cutParts<PlannedPiece>(layoutZip(files));
  const target = { bucket, key: 'a.zip' };
  const headers = { contentType: 'application/zip', metadata: {} };
  const upload = await createUpload(testS3(), target, headers);

  const run = (options: Partial<ZipPartsOptions> = {}): Promise<ShardProgress> => {
    const crcs = new FileCrcs((index) => files[index] as ArchivedFile);
    const crcOf = (index: number) => crcs.of(index) as number;
    return makeZipParts({
      s3,
      upload,
      shard: { parts, sources: new Map(sources.entries()) },
      crcs,
      render: (piece) => {
        if ('bytes' in piece) return piece.bytes;
        if ('directory' in piece) return zipDirectory(files, crcOf);
        return zipHeader(files[piece.header] as ArchivedFile, crcOf(piece.header));
      },
      rangeCopy: true,
      bytes: new Budget(64 * MIB),
      pool: new BufferPool(64 * MIB),
      copies: new Budget(4),
      reads: new Budget(48),
      signal: NEVER,
      resumeFrom: undefined,
      onProgress: () => {},
      ...options,
    });
  };
  const complete = async () => {
    const uploaded = await listParts(testS3(), upload, NEVER);
    await completeUpload(testS3(), upload, [...uploaded.values()], NEVER);
    return getObject(testS3(), target);
  };
  return { proxy, parts, run, complete };
}

function partCalls({ calls }: S3Proxy): number {
  return calls.filter(({ part, operation }) => !Number.isNaN(part) && operation !== 'ListParts')
    .length;
}
