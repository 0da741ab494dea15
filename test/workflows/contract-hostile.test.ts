import { beforeAll, describe, test } from 'vitest';
import { filesOf, imageBytesOf, plainExport } from '../support/export-fixtures.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import { runsAtOnce } from '../support/runs-at-once.ts';
import { splitCase, startWorker } from '../support/split-case.ts';
import { expectFailure } from '../support/split-expectations.ts';
import { type CraftedEntry, type CraftOptions, craftZip } from '../support/zip-crafting.ts';

const FILES: readonly CraftedEntry[] = filesOf(plainExport(3)).map(([name, data]) => ({
  name,
  data,
}));
const SMUGGLED = { name: 'smuggled.jpg', data: imageBytesOf('smuggled', 500) };

/** Lengths in bytes, without names (APPNOTE.TXT 4.3.12, 4.3.16); and of a local header with its name. */
const CENTRAL_HEADER = 46;
const END_RECORD = 22;
const QUOTING_RECORD = 30 + '0000.jpg'.length;

const BOMB = bomb();

interface Case {
  title: string;
  archive: Buffer;
  error: string;
}

const cases: Case[] = [
  {
    title: 'a bomb of 300 MB: entries that quote one another',
    archive: BOMB.archive,
    error: `Entry "0000.jpg": its record at offset 0 takes ${BOMB.claimed} bytes or more, but overlaps entry "0001.jpg" at offset 38`,
  },
  {
    title: 'two end records, each with a directory of its own',
    archive: craft({}, { end: { comment: craftZip([SMUGGLED]) } }),
    error: 'There are 2 end of central directory records, at offsets 6549, 7171',
  },
  {
    title: 'bytes hidden between two images',
    archive: craft({ gap: SMUGGLED.data }),
    error: 'Entry "image-2.jpg": 500 bytes are hidden between it and the next record',
  },
  {
    title: 'an entry that the central directory leaves out',
    archive: craft({ gap: craftZip([SMUGGLED]).subarray(0, 542) }),
    error: 'Entry "image-2.jpg": 542 bytes are hidden between it and the next record',
  },
  {
    title: 'bytes behind the archive',
    archive: craft({}, { suffix: SMUGGLED.data }),
    error:
      'The end of central directory record at offset 6549 has a comment of 0 bytes, but 500 follow it',
  },
  {
    title: 'bytes before the archive',
    archive: craft({}, { prefix: Buffer.from('PK\x03\x04 not yet') }),
    error: "12 bytes lie before the archive's first entry",
  },
  {
    title: 'a local header with another name',
    archive: craft({ local: { name: 'image-9.jpg' } }),
    error: 'Entry "image-2.jpg": local header at offset 2041: the name is "image-9.jpg"',
  },
  {
    title: 'a local header with another size',
    archive: craft({ local: { uncompressedSize: 1, compressedSize: 1 } }),
    error:
      'Entry "image-2.jpg": local header at offset 2041: compressed size is 1, the central directory says 2000',
  },
  {
    title: 'an image that inflates to more than it declares',
    archive: craft({ method: 8, local: { uncompressedSize: 9 }, central: { uncompressedSize: 9 } }),
    error: 'Entry "image-2.jpg": inflates to more than the 9 bytes that it declares',
  },
  {
    title: 'a count of entries that is too high',
    archive: craft({}, { end: { count: 5, countOnDisk: 5 } }),
    error: 'The central directory is said to have 5 headers in 229 bytes: a header has 46 or more',
  },
  {
    title: 'a symbolic link',
    archive: craft({ central: { externalAttributes: (0o120777 << 16) >>> 0 } }),
    error: 'Entry "image-2.jpg": is a symbolic link',
  },
];

let taskQueue: string;
beforeAll(async () => {
  taskQueue = uniqueTaskQueue();
  await startWorker(taskQueue);
});

const failureOf = runsAtOnce(
  cases,
  ({ archive }) => splitCase(archive, {}, taskQueue),
  (split, { error }) => expectFailure(split, error),
);

describe('refused by the entry or the offset:', () => {
  test.each(cases)('$title', failureOf);
});

/** A good export but for its second image, and its ending. */
function craft(change: Partial<CraftedEntry>, options: CraftOptions = {}): Buffer {
  return craftZip(
    FILES.map((file, index) => (index === 1 ? { ...file, ...change } : file)),
    options,
  );
}

/**
 * Each entry's data is all that follows it, headers of other entries included, as in zbsm. `claimed`
 * are the bytes of the first record.
 */
function bomb(): { archive: Buffer; claimed: number } {
  const data = Buffer.concat([imageBytesOf('kernel', 1000), Buffer.alloc(2_000_000)]);
  const kernel = { name: 'kernel.jpg', data, method: 8 };
  const kernelLength = craftZip([kernel]).length - CENTRAL_HEADER - END_RECORD - kernel.name.length;
  const quoting = Array.from({ length: 150 }, (_, index) => ({
    name: `${String(index).padStart(4, '0')}.jpg`,
    local: { method: 8 },
    central: {
      method: 8,
      compressedSize: kernelLength + QUOTING_RECORD * (149 - index),
      uncompressedSize: data.length,
    },
  }));
  const archive = craftZip([...quoting, kernel, ...FILES]);
  return { archive, claimed: kernelLength + QUOTING_RECORD * 150 };
}
