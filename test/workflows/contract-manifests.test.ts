import { beforeAll, describe, test } from 'vitest';
import { phpCsvLine } from '../../src/local/php-csv.ts';
import {
  type ExportContent,
  exportOf,
  filesOf,
  manifestOf,
  PLAIN_HEADER,
  plainExport,
  plainRow,
  shuffled,
  zipByPython,
} from '../support/export-fixtures.ts';
import { uniqueQueue, uniqueTaskQueue } from '../support/harness.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { splitCase, startWorker } from '../support/split-case.ts';
import { expectBatchZips } from '../support/split-expectations.ts';

const BATCH_SIZE = 4;

/** The usual columns; the misspelling is real. */
const PHP_HEADER =
  'subjectId,imageName,references,scientificName,country,stateProvince,county,eol,mol,idigbio,' +
  '#institutionCode,#collectionCode,#catalogNumber,#occurrenceRecordId,#occurrernceId,#imageId,' +
  '#expeditionId,#expeditionTitle\n';

interface Case {
  title: string;
  content: ExportContent;
  /** The archive; the images and `manifest.csv`, stored, where it is not given. */
  archive?: Buffer;
  /** Settings of the worker. */
  env?: Record<string, string>;
}

const REPEATED = plainExport(5);

const rowCounts: Case[] = [
  { title: '1 row', content: plainExport(1) },
  { title: 'BATCH_SIZE rows', content: plainExport(BATCH_SIZE) },
  { title: 'BATCH_SIZE + 1 rows', content: plainExport(BATCH_SIZE + 1) },
  { title: 'three times BATCH_SIZE rows', content: plainExport(3 * BATCH_SIZE) },
];

const manifests: Case[] = [
  {
    title: 'a manifest under another name',
    content: REPEATED,
    archive: zipByPython(
      filesOf(REPEATED, { manifest: '8d2ac06b-60f4-4879-9e5c-819e929003f7.csv' }),
    ),
  },
  {
    title: 'a manifest that comes first',
    content: REPEATED,
    archive: zipByPython(filesOf(REPEATED).toReversed()),
  },
  {
    title: 'manifest.csv beside another CSV',
    content: REPEATED,
    archive: zipByPython([...filesOf(REPEATED), ['notes.csv', Buffer.from('a,b\n')]]),
  },
  {
    title: 'the same manifest several times, as merged exports have it',
    content: REPEATED,
    archive: zipByPython([
      ['manifest.csv', manifestOf(REPEATED)],
      ...filesOf(REPEATED),
      ['./manifest.csv', manifestOf(REPEATED)],
    ]),
  },
  {
    title: 'the same manifest twice under names of its own',
    content: REPEATED,
    archive: zipByPython([
      ['a.csv', manifestOf(REPEATED)],
      ...filesOf(REPEATED, { manifest: 'b.csv' }),
    ]),
  },
];

const rows: Case[] = [
  {
    title: 'an image that two rows of a batch name',
    content: exportOf(['a.jpg', 'b.jpg', 'a.jpg', 'c.jpg', 'd.jpg'].map(plainRow)),
  },
  {
    title: 'an image that rows of two batches name',
    content: exportOf(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'a.jpg', 'e.jpg'].map(plainRow)),
  },
  {
    title: 'one image for all rows',
    content: exportOf(Array.from({ length: 2 * BATCH_SIZE + 1 }, () => plainRow('a.jpg'))),
  },
  {
    title: 'rows in another order than the archive has the images',
    content: plainExport(11),
    archive: zipByPython(shuffled(filesOf(plainExport(11)))),
  },
];

const dialects: Case[] = [
  {
    title: 'quoted newlines, commas and doubled quotes',
    content: exportOf([
      { line: 'id-1,a.jpg,"Ferns\nand ""allies"", all"\n', image: 'a.jpg' },
      { line: '"id\n\n2",b.jpg,"x\r\ny"\n', image: 'b.jpg' },
      { line: 'id-3,"c, with ""quotes"".jpg",\n', image: 'c, with "quotes".jpg' },
      ...['d.jpg', 'e.jpg'].map(plainRow),
    ]),
  },
  {
    title: "PHP's quotes behind backslashes",
    content: exportOf([
      { line: 'id-1,a.jpg,"Coll. \\"Smith\\" FL"\n', image: 'a.jpg' },
      { line: '"D:\\scans\\",b.jpg,"a \\"quoted, comma\\""\n', image: 'b.jpg' },
      { line: 'id-3,c.jpg,"newline \\"in\n quotes\\", and ""doubled"""\n', image: 'c.jpg' },
      ...['d.jpg', 'e.jpg'].map(plainRow),
    ]),
  },
  {
    title: '18 columns, as PHP writes them',
    content: exportOf(
      ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'].map((image, index) => ({
        line: `${phpCsvLine(phpRow(image, index))}\n`,
        image,
      })),
      { header: PHP_HEADER },
    ),
  },
  {
    title: 'a byte order mark',
    content: exportOf(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'].map(plainRow), {
      header: `\ufeff${PLAIN_HEADER}`,
    }),
  },
  {
    title: 'a byte order mark before the image column',
    content: exportOf(
      ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'].map((image) => ({
        line: `${image},1\n`,
        image,
      })),
      { header: '\ufeffimageName,subjectId\n' },
    ),
  },
  {
    title: 'line breaks of Windows, and of both kinds',
    content: exportOf(
      ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'].map((image, index) => ({
        line: `${index},${image},"two\r\nlines"${index === 2 ? '\n' : '\r\n'}`,
        image,
      })),
      { header: PLAIN_HEADER.replace('\n', '\r\n') },
    ),
  },
  {
    title: 'a last row without a line break',
    content: exportOf([
      ...['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'].map(plainRow),
      { line: 'id-5,e.jpg,Quercus alba', image: 'e.jpg' },
    ]),
  },
  {
    title: 'letters beyond ASCII',
    content: exportOf(
      ['Größe.jpg', 'Ñandú 栎.jpg', 'e\u0301.jpg', '🌿.jpg', 'ё.jpg'].map((image) => ({
        line: `Québec,${image},Asplenium ×ebenoides 🌿\n`,
        image,
      })),
    ),
  },
  {
    title: 'another column with the image, by IMAGE_COLUMN',
    content: exportOf(
      ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'].map((image) => ({
        line: `not-${image},${image}\n`,
        image,
      })),
      { header: 'imageName,"File, ""name"""\n' },
    ),
    env: { IMAGE_COLUMN: 'File, "name"' },
  },
];

let sharedTaskQueue: string;
beforeAll(async () => {
  sharedTaskQueue = uniqueTaskQueue();
  await startWorker(sharedTaskQueue, { BATCH_SIZE: `${BATCH_SIZE}` });
});

const groups: [string, Case[]][] = [
  ['row counts', rowCounts],
  ['manifests', manifests],
  ['rows and images', rows],
  ['dialects', dialects],
];

const splitOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  async ({ content, archive, env }) => {
    const taskQueue = env ? uniqueTaskQueue() : sharedTaskQueue;
    if (env) await startWorker(taskQueue, { BATCH_SIZE: `${BATCH_SIZE}`, ...env });
    return splitCase(archive ?? zipByPython(filesOf(content)), {}, taskQueue);
  },
  async (split, { content }) => {
    await (await split.start()).result();
    await expectBatchZips(split, content, BATCH_SIZE);
  },
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', splitOf);
});

describe('the job', () => {
  const content = plainExport(5);
  const archive = zipByPython(filesOf(content));

  test('has a batch size of its own, over that of the worker', async () => {
    const split = await splitCase(archive, {}, sharedTaskQueue);
    await (await split.start({ batchSize: 3 })).result();
    await expectBatchZips(split, content, 3);
  });

  test('has a downloadId of text, which stays text', async () => {
    const split = await splitCase(archive, { downloadId: '0042' }, sharedTaskQueue);
    await (await split.start()).result();
    await expectBatchZips(split, content, BATCH_SIZE);
  });

  test('wants its result in a FIFO queue', async () => {
    const { url: updatesQueueUrl } = await uniqueQueue({ fifo: true });
    const split = await splitCase(archive, { updatesQueueUrl }, sharedTaskQueue);
    await (await split.start()).result();
    await expectBatchZips(split, content, BATCH_SIZE);
  });

  test('has a file with a name as long as can be', async () => {
    const fields = { file: `${'é'.repeat(118)}.zip`, downloadId: 'x'.repeat(200) };
    const split = await splitCase(archive, fields, sharedTaskQueue);
    await (await split.start()).result();
    await expectBatchZips(split, content, BATCH_SIZE);
  });

  test('has a file and a key that a URL has to escape', async () => {
    const large = plainExport(25, 300_000);
    const file = 'Größe + 1%20 (2).zip';
    const fields = { file, exportPath: `export/a b+c&d=e/${file}` };
    const split = await splitCase(zipByPython(filesOf(large)), fields, sharedTaskQueue);
    await (await split.start({ batchSize: 2000 })).result();
    await expectBatchZips(split, large, 2000);
  });
});

function phpRow(image: string, index: number): string[] {
  const collections = ['Coll. \\"Smith\\" FL', 'Herbier "M"', 'D:\\scans\\', 'Ferns\nand', 'FSU'];
  const collection = collections[index % collections.length] as string;
  const tail = ['000001', 'urn:uuid:1', 'FLAS:1', 'i', '512', 'Plants, "Big Bend"'];
  return [
    's',
    image,
    'https://x/',
    'Q. alba',
    'US',
    '',
    '',
    '',
    '',
    'r',
    'FLAS',
    collection,
    ...tail,
  ];
}
