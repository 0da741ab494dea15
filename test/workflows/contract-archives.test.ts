import { beforeAll, describe, expect, test } from 'vitest';
import { FLAG_DATA_DESCRIPTOR } from '../../src/archive/zip-entry.ts';
import {
  type ExportContent,
  exportOf,
  type Files,
  filesOf,
  imageBytesOf,
  plainExport,
  plainRow,
  shuffled,
  zipByPython,
} from '../support/export-fixtures.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { splitCase, startWorker } from '../support/split-case.ts';
import { expectBatchZips } from '../support/split-expectations.ts';
import { craftDescriptor, craftExtra, craftZip } from '../support/zip-crafting.ts';
import { HAS_INFO_ZIP, infoZip } from '../support/zip-fixtures.ts';

interface Case {
  title: string;
  content: ExportContent;
  archive: Buffer;
}

const SMALL_BATCH = 3;
const SMALL = plainExport(5);

/** Beyond the 5 MiB of a multipart part, S3 copies ranges; two batches of 7.5 MB. */
const LARGE_BATCH = 25;
const LARGE_IMAGE_BYTES = 300_000;
const LARGE = plainExport(2 * LARGE_BATCH, LARGE_IMAGE_BYTES);

/** Images that compress to about a third. */
const TEXTS: ExportContent = {
  ...SMALL,
  images: new Map(
    [...SMALL.images].map(([name, data]) => [name, Buffer.from(data.toString('hex').repeat(3))]),
  ),
};

const EMPTY = plainExport(5, 0);

const madeBy: Case[] = [
  { title: 'Python, deflated', content: TEXTS, archive: deflated(filesOf(TEXTS)) },
  {
    title: 'Python, streamed',
    content: SMALL,
    archive: zipByPython(filesOf(SMALL), { streamed: true }),
  },
  {
    title: 'Python, deflated and streamed',
    content: TEXTS,
    archive: zipByPython(filesOf(TEXTS), { method: 'ZIP_DEFLATED', streamed: true }),
  },
  ...(HAS_INFO_ZIP ? madeByInfoZip() : []),
];

const names: Case[] = [
  {
    title: 'a ./ before each',
    content: SMALL,
    archive: zipByPython([['./', Buffer.alloc(0)], ...filesOf(SMALL, { folder: './' })]),
  },
  {
    title: 'a ./ before some',
    content: SMALL,
    archive: zipByPython(
      filesOf(SMALL).map(([name, data], index) => [index % 2 ? name : `./${name}`, data]),
    ),
  },
  {
    title: 'one common folder',
    content: TEXTS,
    archive: deflated(filesOf(TEXTS, { folder: 'export 512/images/' })),
  },
  {
    title: 'the images in a folder, the manifest above it',
    content: SMALL,
    archive: zipByPython(filesOf(SMALL, { folder: 'images/', manifest: 'manifest.csv' }), {
      streamed: true,
    }),
  },
  {
    title: 'directories, and what macOS leaves',
    content: SMALL,
    archive: zipByPython([
      ['export/', Buffer.alloc(0)],
      ...filesOf(SMALL, { folder: 'export/' }),
      ['export/.DS_Store', Buffer.from('litter')],
      ['__MACOSX/', Buffer.alloc(0)],
      ['__MACOSX/export/._image-1.jpg', Buffer.from('litter')],
      ['__MACOSX/export/._manifest.csv', Buffer.from('litter')],
    ]),
  },
  ...[true, false].map((flagged) => {
    const content = exportOf(['Größe.jpg', 'Ñandú 栎.jpg', 'x.jpg', 'ё.jpg'].map(plainRow));
    return {
      title: `UTF-8 ${flagged ? 'with' : 'without'} its flag`,
      content,
      archive: craftZip(
        filesOf(content).map(([name, data]) => ({ name, data, flags: flagged ? 0x800 : 0 })),
      ),
    };
  }),
  ...['', 'folder/'].map((folder) => {
    const content = exportOf(['Größe.jpg', 'x.jpg'].map(plainRow));
    return {
      title: `code page 437${folder && ', in a folder'}`,
      content,
      archive: craftZip(
        filesOf(content, { folder }).map(([name, data]) => ({
          name: Buffer.from(name.replace('ö', '\x94').replace('ß', '\xe1'), 'latin1'),
          data,
        })),
      ),
    };
  }),
  {
    title: 'the same image twice, equal',
    content: SMALL,
    archive: zipByPython([...filesOf(SMALL), ...filesOf(SMALL).slice(0, 2)]),
  },
];

const fillings: Case[] = [
  {
    title: 'images that no row names',
    content: SMALL,
    archive: zipByPython([
      ['first.jpg', imageBytesOf('first', 3000)],
      ...filesOf(SMALL).flatMap(
        ([name, data]): Files => [
          [name, data],
          [`not-${name}.png`, imageBytesOf(name, 500)],
        ],
      ),
    ]),
  },
  {
    title: 'empty images',
    content: EMPTY,
    archive: zipByPython(filesOf(EMPTY)),
  },
  {
    title: 'comments, extra fields and descriptors of every form',
    content: SMALL,
    archive: craftZip(
      filesOf(SMALL).map(([name, data], index) => ({
        name,
        data,
        flags: FLAG_DATA_DESCRIPTOR,
        descriptor: craftDescriptor(data, { signed: index % 2 === 0, wide: index % 4 > 1 }),
        local: { crc: 0, extra: craftExtra(0x5455, Buffer.alloc(9)) },
        central: { extra: craftExtra(0x5455, Buffer.alloc(5)), comment: Buffer.from('of it') },
      })),
      { end: { comment: Buffer.from('an export') } },
    ),
  },
];

const large: Case[] = [
  {
    title: 'one run with data descriptors',
    content: LARGE,
    archive: zipByPython(filesOf(LARGE), { streamed: true }),
  },
  {
    title: 'renamed images',
    content: LARGE,
    archive: zipByPython(filesOf(LARGE, { folder: 'export/' })),
  },
  {
    title: 'images in another order than their rows',
    content: LARGE,
    archive: zipByPython(shuffled(filesOf(LARGE))),
  },
  {
    title: 'runs with an image between them that no row names',
    content: LARGE,
    archive: zipByPython(
      filesOf(LARGE).flatMap(
        ([name, data], index): Files =>
          index % 20 === 10
            ? [
                [`not-${name}`, imageBytesOf(name, 9000)],
                [name, data],
              ]
            : [[name, data]],
      ),
    ),
  },
];

let taskQueue: string;
beforeAll(async () => {
  taskQueue = uniqueTaskQueue();
  await startWorker(taskQueue);
});

const groups: [string, (Case & { batchSize: number })[]][] = [
  ['archives made by', inBatchesOf(SMALL_BATCH, madeBy)],
  ['names with', inBatchesOf(SMALL_BATCH, names)],
  ['archives with', inBatchesOf(SMALL_BATCH, fillings)],
  ['batch zips that S3 copies from', inBatchesOf(LARGE_BATCH, large)],
];

const splitOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  ({ archive }) => splitCase(archive, {}, taskQueue),
  async (split, { content, batchSize }) => {
    await (await split.start({ batchSize })).result();
    await expectBatchZips(split, content, batchSize);
  },
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', splitOf);
});

describe('two batch zips of 7.5 MB', () => {
  const archive = zipByPython(filesOf(LARGE));
  const imageBytes = LARGE.rows.length * LARGE_IMAGE_BYTES;
  const batch = { rows: LARGE_BATCH, images: LARGE_BATCH, reused: false };

  test('are copied by S3 and read once to be verified', async () => {
    const { result, split } = await splitLarge({});
    expect(result.batches).toMatchObject([batch, batch]);
    expect(result.bytesCopied).toBeGreaterThan(imageBytes);
    expect(result.bytesRead).toBeGreaterThan(imageBytes);
    expect(result.bytesWritten).toBeLessThan(imageBytes / 100);
    await expectBatchZips(split, LARGE, LARGE_BATCH);
  });

  test('are not read with VERIFY=off, but for the index', async () => {
    const { result, split } = await splitLarge({ VERIFY: 'off' });
    expect(result.bytesCopied).toBeGreaterThan(imageBytes);
    expect(result.bytesRead).toBeLessThan(2 * 1024 * 1024);
    expect(result.bytesWritten).toBeLessThan(imageBytes / 100);
    await expectBatchZips(split, LARGE, LARGE_BATCH);
  });

  test('go through the worker with RANGE_COPY=off', async () => {
    const { result, split } = await splitLarge({ RANGE_COPY: 'off' });
    expect(result.bytesCopied).toBe(0);
    expect(result.bytesWritten).toBeGreaterThan(imageBytes);
    await expectBatchZips(split, LARGE, LARGE_BATCH);
  });

  async function splitLarge(env: Record<string, string>) {
    const split = await splitCase(archive);
    await startWorker(split.taskQueue, { BATCH_SIZE: `${LARGE_BATCH}`, ...env });
    return { split, result: await (await split.start()).result() };
  }
});

function inBatchesOf(batchSize: number, cases: readonly Case[]) {
  return cases.map((made) => ({ ...made, batchSize }));
}

function deflated(files: Files): Buffer {
  return zipByPython(files, { method: 'ZIP_DEFLATED' });
}

function madeByInfoZip(): Case[] {
  return [
    { title: 'Info-ZIP', content: TEXTS, archive: byInfoZip(TEXTS, ['-9', '-r', 'a.zip', '.']) },
    {
      title: 'Info-ZIP, streamed and deflated',
      content: TEXTS,
      archive: byInfoZip(TEXTS, ['-r', '-', '.']),
    },
    {
      title: 'Info-ZIP, streamed and stored',
      content: SMALL,
      archive: byInfoZip(SMALL, ['-0', '-r', '-', '.']),
    },
    {
      title: 'Info-ZIP, with directory entries and a folder',
      content: SMALL,
      archive: infoZip(Object.fromEntries(filesOf(SMALL, { folder: 'export/' })), [
        ...['-r', 'a.zip', 'export'],
      ]),
    },
  ];
}

function byInfoZip(content: ExportContent, args: readonly string[]): Buffer {
  return infoZip(Object.fromEntries(filesOf(content)), args);
}
