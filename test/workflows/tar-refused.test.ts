import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { filesOf, imageBytesOf, manifestOf, plainExport } from '../support/export-fixtures.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { tar, tarFile, tarPax } from '../support/tar-crafting.ts';
import {
  type BadArchive,
  expectRefusal,
  gzipped,
  putBad,
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

/** A gigabyte of zeros in a megabyte. */
const ZEROS = Buffer.concat(Array(128).fill(gzipSync(Buffer.alloc(8 * MIB))));
const INFLATING = expect.stringMatching(
  /^The archive's first \d{4,6} bytes inflate to \d{7,8}, the limit is 1000 times \(MAX_RATIO\)$/,
);
const BOMB = {
  archive: Buffer.concat([gzipSync(tarFile({ name: 'bomb.jpg', size: 1024 * MIB })), ZEROS]),
  error: INFLATING,
};
const BOMB_BEHIND_END = {
  archive: Buffer.concat([gzipSync(tar([{ name: 'manifest.csv' }])), ZEROS]),
  error: INFLATING,
};

interface Refused extends BadArchive {
  workspace: WorkspaceKind;
  /** Settings of the worker, where it is one of the case's own. */
  env?: Record<string, string>;
}

const someCompressed = [...entries.slice(1, 2), ...contents.slice(0, 3)].map(gzipped);
const groups: [string, Refused[]][] = [
  ['an entry', within('s3', entries)],
  ['an archive with', within('s3', contents)],
  ...WORKSPACES.map((workspace): [string, Refused[]] => [
    `compressed, workspace ${workspace}:`,
    within(workspace, someCompressed),
  ]),
  ['over the limit', within('s3', limits)],
  [
    'over the limit, compressed, on a disk:',
    within('disk, local', limits.slice(0, 3).map(gzipped)),
  ],
  [
    'over the limit MAX_RATIO:',
    [
      ...WORKSPACES.map((workspace) => ({
        ...BOMB,
        title: `a bomb of one file, workspace ${workspace}`,
        workspace,
      })),
      { ...BOMB_BEHIND_END, title: 'a bomb of zeros behind the end', workspace: 's3' },
    ],
  ],
];

const refusalOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  async (refused) => {
    const { workspace, env } = refused;
    const worker = env ? await startWorkerWith(workspace, env) : workers[workspace];
    return { worker, split: await putBad(worker, refused) };
  },
  ({ worker, split }, refused) => expectRefusal(worker, refused, split),
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', refusalOf);
});

test.each(WORKSPACES)('none of them leaves a folder, workspace %s', async (workspace) => {
  expect(await workers[workspace].folders()).toEqual([]);
});

function within(workspace: WorkspaceKind, cases: readonly BadArchive[]): Refused[] {
  return cases.map((refused) => ({ ...refused, workspace }));
}
