import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ExportContent,
  exportOf,
  filesOf,
  imageBytesOf,
  manifestOf,
  PLAIN_HEADER,
  plainExport,
  plainRow,
  withManifest,
  zipByPython,
} from '../support/export-fixtures.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { splitCase, startWorker } from '../support/split-case.ts';
import { expectFailure } from '../support/split-expectations.ts';

interface Case {
  title: string;
  archive: Buffer;
  /** What the client is told. */
  error: string;
}

const CONTENT = plainExport(5);
const GOOD = zipByPython(filesOf(CONTENT));
const PNG = imageBytesOf('png', 900);

const manifests: Case[] = [
  {
    title: 'none',
    archive: zipByPython(filesOf(CONTENT).slice(0, -1)),
    error:
      'The archive has no manifest: expected manifest.csv or one *.csv beside the images, found 5 files, none of them a CSV',
  },
  {
    title: 'none but in another folder',
    archive: zipByPython(filesOf(CONTENT, { manifest: 'lists/a.csv' })),
    error:
      'The archive has no manifest: expected manifest.csv or one *.csv beside the images, found 6 files, with CSV files only in other folders: "lists/a.csv"',
  },
  {
    title: 'two that differ',
    archive: zipByPython([
      ...filesOf(CONTENT, { manifest: 'a.csv' }),
      ['b.csv', manifestOf(plainExport(4))],
    ]),
    error: 'The archive has manifests that differ: "a.csv", "b.csv"; keep one',
  },
  {
    title: 'two of one name that differ',
    archive: zipByPython([...filesOf(CONTENT), ['./manifest.csv', manifestOf(plainExport(4))]]),
    error: 'The archive has manifests that differ: "manifest.csv", "./manifest.csv"; keep one',
  },
  {
    title: 'empty',
    archive: withManifest(CONTENT, ''),
    error: 'Manifest "manifest.csv": is empty',
  },
  {
    title: 'header-only',
    archive: withManifest(CONTENT, PLAIN_HEADER),
    error: 'Manifest "manifest.csv": has a header but no rows',
  },
  {
    title: 'without an image column',
    archive: withManifest(CONTENT, 'subjectId,image,#imageId\n1,a.jpg,2\n'),
    error:
      'Manifest "manifest.csv": has no column "imageName" (IMAGE_COLUMN), only "subjectId", "image", "#imageId"',
  },
  {
    title: 'with two image columns',
    archive: withManifest(CONTENT, 'imageName,imageName\n'),
    error: 'Manifest "manifest.csv": has the column "imageName" twice; keep one',
  },
  {
    title: 'with a row too short',
    archive: withManifest(CONTENT, `${PLAIN_HEADER}1,image-1.jpg,"a\nb"\n2,image-2.jpg\n`),
    error:
      'Manifest "manifest.csv", line 4: the row\'s column count is 2, the header\'s is 3; quote fields that hold commas or newlines',
  },
  {
    title: 'with a row too long',
    archive: withManifest(CONTENT, `${PLAIN_HEADER}1,image-1.jpg,a,b\n`),
    error:
      'Manifest "manifest.csv", line 2: the row\'s column count is 4, the header\'s is 3; quote fields that hold commas or newlines',
  },
  {
    title: 'with a row too long behind a backslash',
    archive: withManifest(
      CONTENT,
      `${PLAIN_HEADER}1,image-1.jpg,"a \\"b\\" c"\n2,image-2.jpg,a,b\n`,
    ),
    error:
      'Manifest "manifest.csv", line 3: the row\'s column count is over 3, the header\'s is 3; quote fields that hold commas or newlines',
  },
  {
    title: 'with a quote that never closes',
    archive: withManifest(CONTENT, `${PLAIN_HEADER}1,image-1.jpg,a\n2,image-2.jpg,"b\n`),
    error: 'Manifest "manifest.csv", line 3: a quoted field never ends; close its quote',
  },
  {
    title: 'with a row without an image',
    archive: withManifest(CONTENT, `${PLAIN_HEADER}1,,a\n`),
    error: 'Manifest "manifest.csv", line 2: the column "imageName" is empty',
  },
  {
    title: 'with a row whose image is called manifest.csv',
    archive: withManifest(CONTENT, `${PLAIN_HEADER}1,Manifest.csv,a\n`),
    error:
      'Manifest "manifest.csv", line 2: the image is called "Manifest.csv", a name that each batch zip has for its own manifest; rename it',
  },
  {
    title: 'in UTF-16',
    archive: withManifest(CONTENT, Buffer.from(`\ufeff${PLAIN_HEADER}`, 'utf16le')),
    error: 'Manifest "manifest.csv": is UTF-16; save it as UTF-8',
  },
  {
    title: 'in Latin-1',
    archive: withManifest(CONTENT, Buffer.from(`${PLAIN_HEADER}1,image-1.jpg,\xe9\n`, 'latin1')),
    error: 'Manifest "manifest.csv", line 2: is not UTF-8; save the file as UTF-8',
  },
];

const images: Case[] = [
  {
    title: 'one missing',
    archive: zipByPython(filesOf(CONTENT).slice(1)),
    error:
      '1 image is named by the manifest "manifest.csv" but not in the archive: "image-1.jpg" (line 2)',
  },
  {
    title: 'a dozen missing',
    archive: zipByPython(filesOf(without(plainExport(14), 12))),
    error:
      '12 images are named by the manifest "manifest.csv" but not in the archive: "image-1.jpg" (line 2), "image-2.jpg" (line 3), "image-3.jpg" (line 4), "image-4.jpg" (line 5), "image-5.jpg" (line 6), "image-6.jpg" (line 7), "image-7.jpg" (line 8), "image-8.jpg" (line 9), "image-9.jpg" (line 10), "image-10.jpg" (line 11) and 2 more',
  },
  {
    title: 'there, but in another case or folder',
    archive: zipByPython([
      ['IMAGE-1.jpg', PNG],
      ['small/image-2.jpg', PNG],
      ['manifest.csv', manifestOf(plainExport(2))],
    ]),
    error:
      '2 images are named by the manifest "manifest.csv" but not in the archive: "image-1.jpg" (line 2; the archive has "IMAGE-1.jpg"), "image-2.jpg" (line 3; the archive has "small/image-2.jpg")',
  },
  {
    title: 'named with a path',
    archive: zipByPython(
      filesOf({ ...exportOf([plainRow('../image-1.jpg')]), images: CONTENT.images }),
    ),
    error:
      '1 image is named by the manifest "manifest.csv" but not in the archive: "../image-1.jpg" (line 2; the archive has "image-1.jpg")',
  },
  {
    title: 'with a wrong CRC',
    archive: flipped(GOOD, 'image-3.jpg', 500),
    error: 'Entry "image-3.jpg": CRC-32 is 36bd6fe1, the archive says e582de68',
  },
  {
    title: 'with a wrong CRC, deflated',
    archive: flipped(zipByPython(filesOf(CONTENT), { method: 'ZIP_DEFLATED' }), 'image-3.jpg', 500),
    error: 'Entry "image-3.jpg": CRC-32 is 79981105, the archive says e582de68',
  },
  {
    title: 'with a wrong CRC in what S3 copies',
    archive: flipped(zipByPython(filesOf(plainExport(25, 300_000))), 'image-24.jpg', 500),
    error: 'Entry "image-24.jpg": CRC-32 is 7c643527, the archive says 5b0ee00d',
  },
];

let taskQueue: string;
beforeAll(async () => {
  taskQueue = uniqueTaskQueue();
  await startWorker(taskQueue);
});

const failureOf = runsAtOnce(
  [...manifests, ...images],
  ({ archive }) => splitCase(archive, {}, taskQueue),
  (split, { error }) => expectFailure(split, error),
);

describe.each([
  ['a manifest', manifests],
  ['an image', images],
])('%s', (_, cases) => {
  test.each(cases)('$title', failureOf);
});

test('VERIFY=off does not look at what it copies', async () => {
  const split = await splitCase(flipped(GOOD, 'image-3.jpg', 500));
  await startWorker(split.taskQueue, { VERIFY: 'off' });
  await (await split.start()).result();
  expect(await split.results()).toMatchObject([{ status: 'success' }]);
});

/** The same rows, but the first so many images left out. */
function without(content: ExportContent, count: number): ExportContent {
  return { ...content, images: new Map([...content.images].slice(count)) };
}

/** An archive with one byte changed, so far behind the first mention of a name. */
function flipped(archive: Buffer, name: string, offset: number): Buffer {
  const changed = Buffer.from(archive);
  const at = changed.indexOf(name) + name.length + offset;
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
