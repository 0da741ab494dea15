import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { filesOf, imageBytesOf, manifestOf, plainExport } from '../support/export-fixtures.ts';
import { tar, tarFile, tarPax } from '../support/tar-crafting.ts';
import {
  type BadArchive,
  expectRefusal,
  gzipped,
  startWorkersWithEach,
  startWorkerWith,
  WORKSPACES,
  type WorkspaceKind,
  type WorkspaceWorker,
} from '../support/workspaces.ts';

const MIB = 1024 * 1024;
const CONTENT = plainExport(5);
const FILES = filesOf(CONTENT).map(([name, content]) => ({ name, content }));
const TAR = tar(FILES);

const SPARSE = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' };
const entries: BadArchive[] = [
  ...(
    [
      [{ type: '1', linkName: 'image-1.jpg' }, 'is a hard link to "image-1.jpg"'],
      [{ type: '2', linkName: '/etc/passwd' }, 'is a symbolic link to "/etc/passwd"'],
      [{ type: '3' }, 'is a character device'],
      [{ type: '4' }, 'is a block device'],
      [{ type: '6' }, 'is a FIFO'],
      [{ type: 'S' }, 'is a sparse file'],
      [{ type: 'Z' }, 'is of the unknown TAR type "Z"'],
    ] as const
  ).map(([fields, flaw]) => ({
    title: `that ${flaw}`,
    archive: tar([...FILES, { name: 'x.jpg', ...fields }]),
    error: `Entry "x.jpg": ${flaw}`,
  })),
  {
    title: 'that is a sparse file by its pax header',
    archive: tar([
      ...FILES,
      tarPax({ ...SPARSE, 'GNU.sparse.name': 'x.jpg' }),
      { name: 'GNUSparseFile.0/x.jpg' },
    ]),
    error: 'Entry "x.jpg": is a sparse file',
  },
  ...[
    ['../x.jpg', 'climbs with ".."'],
    ['a/../../x.jpg', 'climbs with ".."'],
    ['/x.jpg', 'is an absolute path'],
    ['C:/x.jpg', 'starts with a drive letter'],
    ['a\\x.jpg', 'holds a backslash'],
    ['x\n.jpg', 'holds a control character'],
  ].map(([name = '', flaw]) => ({
    title: `called ${JSON.stringify(name)}`,
    archive: tar([...FILES, { name }]),
    error: `Entry ${JSON.stringify(name)}: the name ${flaw}`,
  })),
  {
    title: 'called "../x.jpg" by its pax header',
    archive: tar([...FILES, tarPax({ path: '../x.jpg' }), { name: 'x.jpg' }]),
    error: 'Entry "../x.jpg": the name climbs with ".."',
  },
  {
    title: 'that is there twice, with different content',
    archive: tar([...FILES, { name: './image-1.jpg', content: 'other' }]),
    error:
      'Entry "./image-1.jpg": the archive has it also as "image-1.jpg", with different content',
  },
];

const MANIFEST = { name: 'manifest.csv', content: manifestOf(CONTENT) };
const contents: BadArchive[] = [
  {
    title: 'no manifest',
    archive: tar(FILES.slice(0, -1)),
    error:
      'The archive has no manifest: expected manifest.csv or one *.csv beside the images, found 5 files, none of them a CSV',
  },
  {
    title: 'two manifests that differ',
    archive: tar([...FILES, { name: './manifest.csv', content: manifestOf(plainExport(4)) }]),
    error: 'The archive has manifests that differ: "manifest.csv", "./manifest.csv"; keep one',
  },
  {
    title: 'two images missing',
    archive: tar(FILES.slice(2)),
    error:
      '2 images are named by the manifest "manifest.csv" but not in the archive: "image-1.jpg" (line 2), "image-2.jpg" (line 3)',
  },
  {
    title: 'an image in another folder only',
    archive: tar([
      ...FILES.slice(1, -1),
      { name: 'small/image-1.jpg', content: imageBytesOf('image-1.jpg', 2000) },
      MANIFEST,
    ]),
    error:
      '1 image is named by the manifest "manifest.csv" but not in the archive: "image-1.jpg" (line 2; the archive has "small/image-1.jpg")',
  },
  {
    title: 'an image whose name is not UTF-8',
    archive: tar([
      ...FILES.slice(1, -1),
      { name: Buffer.from('image-\xb9.jpg', 'latin1'), content: 'x' },
      MANIFEST,
    ]),
    error:
      '1 image is named by the manifest "manifest.csv" but not in the archive: "image-1.jpg" (line 2)',
  },
];

/** What is over a limit that a worker has. */
const limits: (BadArchive & { env: Record<string, string> })[] = [
  {
    title: 'MAX_ENTRIES',
    archive: TAR,
    error: 'The archive has more than 5 entries, the limit (MAX_ENTRIES)',
    env: { MAX_ENTRIES: '5' },
  },
  {
    title: 'MAX_ENTRY_BYTES',
    archive: TAR,
    error: 'Entry "image-1.jpg": has 2000 bytes, the limit is 1999 (MAX_ENTRY_BYTES)',
    env: { MAX_ENTRY_BYTES: '1999' },
  },
  {
    title: 'MAX_TOTAL_BYTES',
    archive: TAR,
    error:
      "The archive's entries have 10235 bytes or more together, the limit is 10000 (MAX_TOTAL_BYTES)",
    env: { MAX_TOTAL_BYTES: '10000' },
  },
  {
    title: 'MAX_MANIFEST_BYTES',
    archive: TAR,
    error: 'Entry "manifest.csv": has 235 bytes, the limit is 200 (MAX_MANIFEST_BYTES)',
    env: { MAX_MANIFEST_BYTES: '200' },
  },
];

let workers: Record<WorkspaceKind, WorkspaceWorker>;
beforeAll(async () => {
  workers = await startWorkersWithEach();
});

describe.each([
  ['an entry', entries],
  ['an archive with', contents],
])('%s', (_, cases) => {
  test.each(cases)('$title', (refused) => expectRefusal(workers.s3, refused));
});

describe.each(WORKSPACES)('compressed, workspace %s:', (workspace) => {
  test.each([...entries.slice(1, 2), ...contents.slice(0, 3)].map(gzipped))('$title', (refused) =>
    expectRefusal(workers[workspace], refused),
  );
});

describe('over the limit', () => {
  test.each(limits)('$title', async ({ env, ...large }) => {
    await expectRefusal(await startWorkerWith('s3', env), large);
  });

  test.each(limits.slice(0, 3))('$title, compressed, on a disk', async ({ env, ...large }) => {
    await expectRefusal(await startWorkerWith('disk, local', env), gzipped(large));
  });

  /** A gigabyte of zeros in a megabyte. */
  const zeros = Buffer.concat(Array(128).fill(gzipSync(Buffer.alloc(8 * MIB))));
  const inflating = expect.stringMatching(
    /^The archive's first \d{4,6} bytes inflate to \d{7,8}, the limit is 1000 times \(MAX_RATIO\)$/,
  );

  test.each(WORKSPACES)('MAX_RATIO: a bomb of one file, workspace %s', async (workspace) => {
    const header = tarFile({ name: 'bomb.jpg', size: 1024 * MIB });
    const archive = Buffer.concat([gzipSync(header), zeros]);
    await expectRefusal(workers[workspace], { title: 'bomb', archive, error: inflating });
  });

  test('MAX_RATIO: a bomb of zeros behind the end', async () => {
    const archive = Buffer.concat([gzipSync(tar([{ name: 'manifest.csv' }])), zeros]);
    await expectRefusal(workers.s3, { title: 'bomb', archive, error: inflating });
  });
});
