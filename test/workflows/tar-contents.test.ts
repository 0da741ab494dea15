import { beforeAll, describe, test } from 'vitest';
import {
  type ExportContent,
  exportOf,
  filesOf,
  manifestOf,
  paleExport,
  plainExport,
  plainRow,
  tarByPython,
} from '../support/export-fixtures.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { tar, tarEnd } from '../support/tar-crafting.ts';
import {
  expectSplit,
  type GoodArchive,
  gzipped,
  putGood,
  startWorkerWith,
  type WorkspaceWorker,
} from '../support/workspaces.ts';

/** A TAR, and what is in it. */
interface Case {
  title: string;
  content: ExportContent;
  archive: Buffer;
}

const BATCH_SIZE = 3;
const SMALL = plainExport(5);
const EMPTY = plainExport(5, 0);

/** Large enough to be looked at by parts, so little compressed that it is inflated in one go. */
const PALE = paleExport(5, 3_000_000);

const names: Case[] = [
  ...(['USTAR', 'GNU', 'PAX'] as const).map((format) => {
    const folder = `${'ordner/'.repeat(13)}`;
    const content = exportOf(['Größe 栎.jpg', `${'n'.repeat(90)}.jpg`, 'x.jpg'].map(plainRow));
    return {
      title: `${format}: of more than 100 bytes with their folder, not all ASCII`,
      content,
      archive: tarByPython(filesOf(content, { folder }), { format }),
    };
  }),
  ...(['GNU', 'PAX'] as const).map((format) => {
    const content = exportOf(
      [`${'ü'.repeat(120)}.jpg`, `${'n'.repeat(200)}.jpg`, 'x.jpg'].map(plainRow),
    );
    return {
      title: `${format}: of more than 100 bytes, not all ASCII`,
      content,
      archive: tarByPython(filesOf(content), { format }),
    };
  }),
  {
    title: 'a ./ before some',
    content: SMALL,
    archive: tarByPython(
      filesOf(SMALL).map(([name, data], index) => [index % 2 ? name : `./${name}`, data]),
    ),
  },
  {
    title: 'one common folder',
    content: SMALL,
    archive: tarByPython([
      ['export 512/', Buffer.alloc(0)],
      ['export 512/images/', Buffer.alloc(0)],
      ...filesOf(SMALL, { folder: 'export 512/images/' }),
    ]),
  },
  {
    title: 'the images in a folder, the manifest above it',
    content: SMALL,
    archive: tarByPython(filesOf(SMALL, { folder: './images/', manifest: './manifest.csv' })),
  },
  {
    title: 'what macOS leaves',
    content: SMALL,
    archive: tarByPython([
      ['export/', Buffer.alloc(0)],
      ['export/._manifest.csv', Buffer.from('litter')],
      ...filesOf(SMALL, { folder: 'export/' }),
      ['export/.DS_Store', Buffer.from('litter')],
    ]),
  },
];

const MANIFEST_FILE = ['manifest.csv', manifestOf(SMALL)] as const;
const IMAGE_FILES = filesOf(SMALL).slice(0, -1);
const manifests: Case[] = [
  {
    title: 'first',
    content: SMALL,
    archive: tarByPython([MANIFEST_FILE, ...IMAGE_FILES]),
  },
  {
    title: 'in the middle',
    content: SMALL,
    archive: tarByPython([...IMAGE_FILES.slice(0, 2), MANIFEST_FILE, ...IMAGE_FILES.slice(2)]),
  },
  {
    title: 'called like the export',
    content: SMALL,
    archive: tarByPython(filesOf(SMALL, { manifest: '8d2ac06b-60f4-4879-9e5c-819e929003f7.csv' })),
  },
  {
    title: 'there twice, byte for byte',
    content: SMALL,
    archive: tarByPython([MANIFEST_FILE, ...IMAGE_FILES, MANIFEST_FILE]),
  },
  {
    title: 'there twice under two names, byte for byte',
    content: SMALL,
    archive: tarByPython([...filesOf(SMALL, { manifest: 'a.csv' }), ['b.csv', manifestOf(SMALL)]]),
  },
];

const fillings: Case[] = [
  {
    title: 'empty images alone',
    content: EMPTY,
    archive: tarByPython(filesOf(EMPTY)),
  },
  {
    title: 'images that compress to a hundredth',
    content: PALE,
    archive: tarByPython(filesOf(PALE)),
  },
  {
    title: 'the same image twice, equal',
    content: SMALL,
    archive: tarByPython([...filesOf(SMALL), ...filesOf(SMALL).slice(0, 2)]),
  },
  {
    title: 'a file whose name is not UTF-8, and that no row names',
    content: SMALL,
    archive: tar([
      { name: Buffer.from('B\xfcte.jpg', 'latin1'), content: 'x' },
      ...filesOf(SMALL).map(([name, content]) => ({ name, content })),
      { name: Buffer.from('B\xfbte.jpg', 'latin1'), content: 'x' },
    ]),
  },
  {
    title: 'zeros behind its end, as tapes have them',
    content: SMALL,
    archive: Buffer.concat([tarByPython(filesOf(SMALL)), tarEnd(100)]),
  },
];

let worker: WorkspaceWorker;
beforeAll(async () => {
  worker = await startWorkerWith('s3');
});

const some = [...names.slice(0, 5), ...fillings].filter((_, index) => index % 2 === 0);
const groups: [string, GoodArchive[]][] = [
  ['names:', compressed(names)],
  ['a manifest that is', compressed(manifests)],
  ['an archive with', compressed(fillings)],
  [
    'where files are taken from the TAR as they lie,',
    some.map((made) => ({ ...made, extension: '.tar' })),
  ],
];

const splitOf = runsAtOnce(
  groups.flatMap(([, cases]) => cases),
  (made) => putGood(worker, made),
  async (split, made) => {
    await expectSplit(worker, made, BATCH_SIZE, split);
  },
);

describe.each(groups)('%s', (_, cases) => {
  test.each(cases)('$title', splitOf);
});

function compressed(cases: readonly Case[]): GoodArchive[] {
  return cases.map((made) => gzipped({ ...made, extension: '.tar.gz' }));
}
