import { describe, expect, test } from 'vitest';
import {
  digest,
  inChunks,
  readTar,
  readTarsByPython,
  TAR_FIXTURES,
  tarRefusal,
} from '../support/tar-fixtures.ts';

const names = [...TAR_FIXTURES.keys()];
const accepted = names.filter((name) => !name.startsWith('refused-'));

function fixture(name: string): Buffer {
  const bytes = TAR_FIXTURES.get(name);
  if (bytes === undefined) throw new Error(`There is no fixture ${name}`);
  return bytes;
}

describe('what other programs write', () => {
  const byPython = new Map(
    readTarsByPython(accepted.map(fixture)).map((files, index) => [accepted[index], files]),
  );

  test.each(accepted)('%s is read as Python reads it', async (name) => {
    const files = await readTar(inChunks(fixture(name)));
    expect(files.length).toBeGreaterThan(1);
    expect(files.map(digest)).toEqual(byPython.get(name));
  });

  test.each(accepted)('%s has its data where the reader says', async (name) => {
    const bytes = fixture(name);
    for (const { dataStart, size, content } of await readTar(inChunks(bytes, [1000]))) {
      expect(bytes.subarray(dataStart, dataStart + size)).toEqual(content);
    }
  });

  test.each(['gnu-gnu', 'gnu-oldgnu', 'gnu-pax', 'bsd-gnutar', 'bsd-pax'])(
    '%s has names of more than 100 and 255 bytes',
    async (name) => {
      const lengths = (await readTar(inChunks(fixture(name)))).map((file) =>
        Buffer.byteLength(file.name),
      );
      expect(lengths).toContain(2 + 150 + 1 + 120);
      expect(lengths).toContain(2 + 202 + 1 + 200);
    },
  );

  test.each([
    ['gnu-gnu', -101],
    ['gnu-pax', -101],
    // bsdtar writes -100.5 as "-101.5": the second before, and the fraction from there.
    ['bsd-pax', -102],
  ])('%s has times with fractions, before 1970 and after 2242', async (name, before) => {
    const files = await readTar(inChunks(fixture(name)));
    const timeOf = (part: string) => files.find((file) => file.name.includes(part))?.mtime;
    expect({
      fraction: timeOf('/fraction.'),
      before: timeOf('/before-'),
      after: timeOf('/after-'),
    }).toEqual({ fraction: 1_700_000_001, before, after: 9_000_000_000 });
  });

  test.each(['gnu-latin1', 'gnu-pax-latin1', 'bsd-pax-latin1'])(
    '%s has a name that is not UTF-8: each such byte is a lone surrogate',
    async (name) => {
      const files = await readTar(inChunks(fixture(name)));
      expect(files.map((file) => file.name).toSorted()).toEqual(['./Bl\udcfcte.jpg', './x.jpg']);
    },
  );
});

describe('what they write that is no file of its own', () => {
  const target = 't'.repeat(150);

  test.each([
    ['gnu-hardlink', 'Entry "hardlink": is a hard link to "a.jpg"'],
    ['gnu-symlink', 'Entry "symlink": is a symbolic link to "a.jpg"'],
    ['gnu-symlink-long', `Entry "symlink-long": is a symbolic link to "${target}"`],
    ['gnu-char', 'Entry "char": is a character device'],
    ['gnu-block', 'Entry "block": is a block device'],
    ['gnu-fifo', 'Entry "fifo": is a FIFO'],
    ['bsd-hardlink', 'Entry "hardlink": is a hard link to "a.jpg"'],
    ['bsd-symlink', 'Entry "symlink": is a symbolic link to "a.jpg"'],
    ['bsd-symlink-long', `Entry "symlink-long": is a symbolic link to "${target}"`],
    ['bsd-char', 'Entry "char": is a character device'],
    ['bsd-block', 'Entry "block": is a block device'],
    ['bsd-fifo', 'Entry "fifo": is a FIFO'],
    ['gnu-sparse', 'Entry "sparse": is a sparse file'],
    ['gnu-pax-sparse-0.0', 'Entry "sparse": is a sparse file'],
    ['gnu-pax-sparse-0.1', 'Entry "sparse": is a sparse file'],
    ['gnu-pax-sparse-1.0', 'Entry "sparse": is a sparse file'],
    ['bsd-sparse', 'Entry "sparse": is a sparse file'],
    ['gnu-dumpdir', 'Entry "images/": is a directory of an incremental GNU backup'],
    [
      'gnu-volume1',
      'Entry "large.jpg": the TAR is truncated, it ends at offset 20480 after 19968 of the entry\'s 30000 bytes',
    ],
    ['gnu-volume2', 'Entry "large.jpg": is the rest of a file of another volume'],
    [
      'pax-volume1',
      'Entry "large.jpg": the TAR is truncated, it ends at offset 20480 after 19968 of the entry\'s 30000 bytes',
    ],
    ['pax-volume2', 'The pax header at offset 0 goes on with a file of another volume'],
  ])('%s is refused', async (name, message) => {
    expect(await tarRefusal(fixture(`refused-${name}`))).toBe(message);
  });

  test('every fixture that is to be refused is', async () => {
    for (const name of names.filter((name) => name.startsWith('refused-'))) {
      await tarRefusal(fixture(name));
    }
  });
});
