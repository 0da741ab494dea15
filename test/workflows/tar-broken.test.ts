import { crc32, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { filesOf, imageBytesOf, plainExport } from '../support/export-fixtures.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { tar, tarEnd } from '../support/tar-crafting.ts';
import {
  type BadArchive,
  expectRefusal,
  gzipped,
  putBad,
  startWorkersWithEach,
  WORKSPACES,
  type WorkspaceKind,
  type WorkspaceWorker,
} from '../support/workspaces.ts';

interface Case extends BadArchive {
  /** Whether each workspace is tried, not s3 alone. */
  everywhere?: boolean;
}

interface Broken extends Case {
  workspace: WorkspaceKind;
}

const BLOCK_BYTES = 512;
const FILES = filesOf(plainExport(5)).map(([name, content]) => ({ name, content }));

/** Every image takes a header and four blocks, the manifest a header and one. */
const IMAGE_BLOCKS = 5;
const TAR = tar(FILES);
const TAR_END = TAR.length - 2 * BLOCK_BYTES;
const TRAILER_BYTES = 8;

/** In blocks that are stored: a byte of the TAR is a byte of the stream. */
const GZIP = gzipSync(TAR, { level: 0 });

const notArchives: Case[] = [
  {
    title: 'absent',
    archive: undefined,
    error: ({ s3Bucket, exportPath }) =>
      `s3://${s3Bucket}/${exportPath} does not exist; upload it, then send the job again`,
    everywhere: true,
  },
  {
    title: 'a gzip of a text',
    archive: gzipSync('this is no archive '.repeat(100)),
    error: 'Not a TAR: there is no header at offset 0, or its checksum does not fit',
    everywhere: true,
  },
  {
    title: 'a gzip of a gzip',
    archive: gzipSync(GZIP),
    error: 'Not a TAR: there is no header at offset 0, or its checksum does not fit',
  },
  {
    title: 'a gzip of nothing',
    archive: gzipSync(''),
    error: 'The TAR is truncated: it ends at offset 0 without the zeros that mark its end',
  },
  {
    title: 'a TAR of nothing',
    archive: gzipSync(tarEnd()),
    error: 'The archive has no files',
  },
  {
    title: 'a TAR of a folder',
    archive: tar([{ name: 'export/', type: '5' }]),
    error: 'The archive has no files',
    everywhere: true,
  },
  {
    title: 'a block of zeros',
    archive: tarEnd(),
    error: ({ s3Bucket, exportPath }) =>
      `s3://${s3Bucket}/${exportPath} is not a ZIP, TAR or TAR.GZ archive: it begins with the bytes 0000000000000000`,
  },
];

const gzips: Case[] = [
  {
    title: 'cut off in its data',
    archive: GZIP.subarray(0, GZIP.length / 2),
    error: `The gzip stream is truncated: it ends after ${Math.floor(GZIP.length / 2)} bytes`,
    everywhere: true,
  },
  {
    title: 'cut off by its last byte',
    archive: GZIP.subarray(0, -1),
    error: `The gzip stream is truncated: it ends after ${GZIP.length - 1} bytes`,
  },
  {
    title: 'cut off in its header',
    archive: GZIP.subarray(0, 5),
    error: 'The gzip stream is truncated: it ends after 5 bytes',
  },
  {
    title: 'of another method than deflate',
    archive: withByte(GZIP, 2, 7),
    error: 'The gzip header at offset 0 has compression method 7, not 8',
  },
  {
    title: 'with a wrong CRC',
    archive: withByte(GZIP, GZIP.length - TRAILER_BYTES, (crc32(TAR) & 0xff) ^ 1),
    error: `The gzip trailer at offset ${GZIP.length - TRAILER_BYTES}: the data's CRC-32 is ${hex(crc32(TAR))}, it says ${hex((crc32(TAR) ^ 1) >>> 0)}`,
    everywhere: true,
  },
  {
    title: 'with a wrong size',
    archive: withByte(GZIP, GZIP.length - 4, (TAR.length & 0xff) ^ 1),
    error: `The gzip trailer at offset ${GZIP.length - TRAILER_BYTES}: the data's size is ${TAR.length} bytes, it says ${TAR.length + 1} (modulo 2^32)`,
  },
  {
    title: 'with a flipped bit in an image',
    archive: flipped(GZIP, GZIP.indexOf(imageBytesOf('image-3.jpg', 2000))),
    error: `The gzip trailer at offset ${GZIP.length - TRAILER_BYTES}: the data's CRC-32 is ${hex(crc32(flipped(TAR, TAR.indexOf(imageBytesOf('image-3.jpg', 2000)))))}, it says ${hex(crc32(TAR))}`,
  },
  {
    title: 'whose first block is of a type that there is not',
    archive: withByte(GZIP, 10, 0xff),
    error: `The gzip stream is broken between offsets 10 and ${GZIP.length}: invalid block type`,
  },
  {
    title: 'whose second member is cut off',
    archive: Buffer.concat([GZIP, GZIP.subarray(0, 100)]),
    error: `The TAR has trailing garbage at offset ${TAR.length}: its end is marked at ${TAR_END}, only zeros may follow`,
  },
  {
    title: 'with something behind it',
    archive: Buffer.concat([GZIP, Buffer.alloc(700), Buffer.from('and more')]),
    error: `The gzip stream is followed by something else at offset ${GZIP.length + 700}`,
    everywhere: true,
  },
];

const tars: Case[] = [
  {
    title: 'cut off in an image',
    archive: TAR.subarray(0, 2 * IMAGE_BLOCKS * BLOCK_BYTES + BLOCK_BYTES + 700),
    error:
      'Entry "image-3.jpg": the TAR is truncated, it ends at offset 6332 after 700 of the entry\'s 2000 bytes',
    everywhere: true,
  },
  {
    title: 'cut off between two images',
    archive: TAR.subarray(0, 2 * IMAGE_BLOCKS * BLOCK_BYTES),
    error:
      'The TAR is truncated: it ends at offset 5120 without the zeros that mark its end, behind entry "image-2.jpg"',
  },
  {
    title: 'cut off in a header',
    archive: TAR.subarray(0, 2 * IMAGE_BLOCKS * BLOCK_BYTES + 100),
    error: 'The TAR is truncated: it ends at offset 5220 in a header, behind entry "image-2.jpg"',
  },
  {
    title: 'with a wrong checksum',
    archive: flipped(TAR, 2 * IMAGE_BLOCKS * BLOCK_BYTES),
    error:
      'The TAR is broken: there is no header at offset 5120, behind entry "image-2.jpg", or its checksum does not fit',
    everywhere: true,
  },
  {
    title: 'with another TAR behind it',
    archive: Buffer.concat([TAR, TAR]),
    error: `The TAR has trailing garbage at offset ${TAR.length}: its end is marked at ${TAR_END}, only zeros may follow`,
    everywhere: true,
  },
  {
    title: 'with a size that is none',
    archive: tar([...FILES, { name: 'x.jpg', size: '12345678x' }]),
    error:
      'Entry "x.jpg": its header at offset 13824 has the size "12345678x\\u0000\\u0000\\u0000", expected a number from 0 to 2^53 in octal or base 256',
  },
];

let workers: Record<WorkspaceKind, WorkspaceWorker>;
beforeAll(async () => {
  workers = await startWorkersWithEach();
});

const compressed = tars.map(gzipped);
const groups: [string, Broken[]][] = [
  ['an archive that is', within('s3', notArchives)],
  ['a gzip stream', within('s3', gzips)],
  ['a TAR', within('s3', tars)],
  ...WORKSPACES.map((workspace): [string, Broken[]] => {
    const cases = workspace === 's3' ? compressed : [...notArchives, ...gzips, ...compressed];
    const tried = cases.filter(({ everywhere }) => everywhere);
    return [`workspace ${workspace}:`, within(workspace, tried)];
  }),
];

const refusalOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  (broken) => putBad(workers[broken.workspace], broken),
  (split, broken) => expectRefusal(workers[broken.workspace], broken, split),
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', refusalOf);
});

test.each(WORKSPACES)('none of them leaves a folder, workspace %s', async (workspace) => {
  expect(await workers[workspace].folders()).toEqual([]);
});

function within(workspace: WorkspaceKind, cases: readonly Case[]): Broken[] {
  return cases.map((broken) => ({ ...broken, workspace }));
}

function withByte(bytes: Buffer, offset: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[offset] = value;
  return changed;
}

function flipped(bytes: Buffer, offset: number): Buffer {
  return withByte(bytes, offset, (bytes[offset] ?? 0) ^ 1);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
