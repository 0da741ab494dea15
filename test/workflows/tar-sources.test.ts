import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ExportContent,
  type Files,
  filesOf,
  imageBytesOf,
  plainExport,
  plainRow,
  shuffled,
  tarByPython,
  zipByPython,
} from '../support/export-fixtures.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { NO_MAGIC, tar } from '../support/tar-crafting.ts';
import {
  expectSplit,
  type GoodArchive,
  putGood,
  startWorkersWithEach,
  WORKSPACES,
  type WorkspaceKind,
  type WorkspaceWorker,
} from '../support/workspaces.ts';

const MIB = 1024 * 1024;
const FIXTURES = new URL('../fixtures/tar/', import.meta.url);

const SMALL = plainExport(5);

/** Of two batches: what a TGZ is called tells it from a TAR.GZ, and nothing else. */
const PLAIN = plainExport(50);

/** All that becomes of a file when it is unpacked, at once. */
const MIXED = mixedExport();
const MIXED_FILES: Files = [
  ['./', Buffer.alloc(0)],
  ...filesOf(MIXED, { folder: './' }).flatMap(
    ([name, data], index): Files =>
      index % 10 === 5
        ? [
            [`./not-${index}.jpg`, imageBytesOf(name, 3000)],
            [name, data],
          ]
        : [[name, data]],
  ),
];
const MIXED_TAR = tarByPython(MIXED_FILES);

/** Of each kind of source, what a split has to cope with. */
const kinds: GoodArchive[] = [
  { title: 'TAR.GZ', extension: '.tar.gz', content: MIXED, archive: gzip(MIXED_TAR) },
  { title: 'TGZ', extension: '.tgz', content: PLAIN, archive: gzip(tarByPython(filesOf(PLAIN))) },
  {
    title: 'TAR.GZ of several members',
    extension: '.tar.gz',
    content: MIXED,
    archive: Buffer.concat(cut(MIXED_TAR, [1, 700, 5 * MIB, 6 * MIB]).map(gzip)),
  },
  { title: 'TAR', extension: '.tar', content: MIXED, archive: MIXED_TAR },
  {
    title: 'ZIP, deflated and streamed',
    extension: '.zip',
    content: MIXED,
    archive: zipByPython(MIXED_FILES, { method: 'ZIP_DEFLATED', streamed: true }),
  },
];

/** An archive with what another program wrote. */
const madeBy: GoodArchive[] = ['gnu', 'bsd', 'php'].flatMap((program) => {
  const archive = readFileSync(new URL(`export-${program}.tar.gz`, FIXTURES));
  const title = { gnu: 'GNU tar', bsd: 'bsdtar', php: 'PHP' }[program];
  return [
    { title: `${title}, compressed`, content: SMALL, archive, extension: '.tar.gz' },
    { title: `${title}`, content: SMALL, archive: gunzipSync(archive), extension: '.tar' },
  ];
});

const misnamed: GoodArchive[] = [
  { extension: '.zip', title: 'a TAR.GZ that is called .zip', archive: gzip(smallTar()) },
  { extension: '.zip', title: 'a TAR that is called .zip', archive: smallTar() },
  { extension: '.tar', title: 'a TAR.GZ that is called .tar', archive: gzip(smallTar()) },
  {
    extension: '.tar.gz',
    title: 'a ZIP that is called .tar.gz',
    archive: zipByPython(filesOf(SMALL)),
  },
  {
    extension: '.tar',
    title: 'a TAR of before POSIX, which has no magic',
    archive: tar(filesOf(SMALL).map(([name, content]) => ({ name, content, magic: NO_MAGIC }))),
  },
].map((misnamed) => ({ ...misnamed, content: SMALL }));

let workers: Record<WorkspaceKind, WorkspaceWorker>;
beforeAll(async () => {
  workers = await startWorkersWithEach();
});

interface Case extends GoodArchive {
  workspace: WorkspaceKind;
  batchSize: number;
}

const groups: [string, Case[]][] = [
  ...WORKSPACES.map((workspace): [string, Case[]] => [
    `workspace ${workspace}`,
    kinds.map((kind) => ({ ...kind, workspace, batchSize: 40 })),
  ]),
  ['made by', madeBy.map((made) => ({ ...made, workspace: 's3', batchSize: 3 }))],
  [
    'recognised by its bytes:',
    misnamed.map((made) => ({ ...made, workspace: 's3', batchSize: 3 })),
  ],
];

const splitOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  (made) => putGood(workers[made.workspace], made),
  async (split, made) => {
    await expectSplit(workers[made.workspace], made, made.batchSize, split);
  },
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', splitOf);
});

describe('two batch zips of 7.5 MB', () => {
  const batchSize = 25;
  const content = plainExport(2 * batchSize, 300_000);
  const imageBytes = content.rows.length * 300_000;
  const archive = tarByPython(filesOf(content));

  test('are copied by S3 from what a TAR.GZ was staged as, and nothing is read again', async () => {
    const moved = await split('s3', gzip(archive), '.tar.gz');
    expect(moved.bytesCopied).toBeGreaterThan(imageBytes);
    expect(moved.bytesRead).toBeLessThan(1.05 * imageBytes);
    expect(moved.bytesWritten).toBeLessThan(1.05 * imageBytes);
  });

  test('are put together from a TAR, which is read once more for that', async () => {
    const moved = await split('s3', archive, '.tar');
    expect(moved.bytesCopied).toBe(0);
    expect(moved.bytesRead).toBeGreaterThan(2 * imageBytes);
    expect(moved.bytesRead).toBeLessThan(2.05 * imageBytes);
    expect(moved.bytesWritten).toBeLessThan(1.05 * imageBytes);
  });

  test.each(WORKSPACES.slice(1))('are put together from a disk: %s', async (workspace) => {
    const moved = await split(workspace, gzip(archive), '.tar.gz');
    expect(moved.bytesCopied).toBe(0);
    expect(moved.bytesRead).toBeGreaterThan(2 * imageBytes);
    expect(moved.bytesRead).toBeLessThan(2.05 * imageBytes);
    expect(moved.bytesWritten).toBeGreaterThan(2 * imageBytes);
    expect(moved.bytesWritten).toBeLessThan(2.05 * imageBytes);
  });

  function split(workspace: WorkspaceKind, archive: Buffer, extension: string) {
    const made = { title: 'two', content, archive, extension };
    return expectSplit(workers[workspace], made, batchSize);
  }
});

test.each(WORKSPACES)('none of them leaves a folder, workspace %s', async (workspace) => {
  expect(await workers[workspace].folders()).toEqual([]);
});

/**
 * Many tiny images, empty ones, one that takes a part of several files, one of more than a record is
 * made for, and one of more than a part; some are named by several rows. They lie in another order
 * than their rows.
 */
function mixedExport(): ExportContent {
  const tiny = plainExport(60, 900);
  const sizes = new Map([
    ['empty.jpg', 0],
    ['record.jpg', 3 * MIB],
    ['block.jpg', 512],
    ['data.jpg', 4 * MIB + 1],
    ['part.jpg', 9 * MIB],
    ['empty-too.jpg', 0],
  ]);
  const others = [...sizes].map(([name, size]) => [name, imageBytesOf(name, size)] as const);
  const rows = [...others.map(([name]) => plainRow(name)), ...tiny.rows];
  const again = ['image-7.jpg', 'data.jpg', 'data.jpg', 'empty.jpg'].map((image, index) => ({
    line: `again-${index},${image},"two\nlines"\n`,
    image,
  }));
  return {
    header: tiny.header,
    rows: [...rows, ...again],
    images: new Map(shuffled([...others, ...tiny.images])),
  };
}

function smallTar(): Buffer {
  return tarByPython(filesOf(SMALL));
}

function gzip(bytes: Buffer): Buffer {
  return gzipSync(bytes, { level: 1 });
}

/** The bytes in stretches that begin at the start and at these offsets. */
function cut(bytes: Buffer, offsets: readonly number[]): Buffer[] {
  return [0, ...offsets].map((start, index) => bytes.subarray(start, offsets[index]));
}
