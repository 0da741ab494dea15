import { describe, expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { TarReader } from '../../src/archive/tar-reader.ts';
import { tar, tarEnd, tarFile, tarLongName, tarPax } from '../support/tar-crafting.ts';
import { inChunks, readTar, tarRefusal } from '../support/tar-fixtures.ts';

const FILE = tarFile({ name: 'a.jpg', content: 'abc' });

async function namesOf(bytes: Buffer): Promise<string[]> {
  return (await readTar(inChunks(bytes, [700]))).map(({ name }) => name);
}

describe("a TAR's end", () => {
  test.each([
    ['two blocks of zeros', tarEnd(2)],
    ['a whole record of zeros', tarEnd(19)],
    ['zeros that are no whole blocks', Buffer.alloc(1500)],
    ['many zeros', Buffer.alloc(200_000)],
    ['one block of zeros, which is enough to tell that no entry is missing', tarEnd(1)],
  ])('is %s', async (_, end) => {
    expect(await namesOf(Buffer.concat([FILE, end]))).toEqual(['a.jpg']);
    expect(await namesOf(end)).toEqual([]);
  });

  test.each([
    ['in the second block', 512, 512],
    ['at the end of the second block', 1023, 1023],
    ['behind it', 1024, 1024],
    ['far behind it', 150_000, 150_000],
  ])('is refused with a byte %s that is not zero', async (_, at) => {
    const end = Buffer.alloc(200_000);
    end[at] = 1;
    expect(await tarRefusal(Buffer.concat([FILE, end]))).toBe(
      `The TAR has trailing garbage at offset ${1024 + at}: its end is marked at 1024, only zeros may follow`,
    );
  });

  test('is refused with another TAR behind it', async () => {
    const bytes = Buffer.concat([tar([FILE]), tar([FILE])]);
    expect(await tarRefusal(bytes)).toContain('trailing garbage at offset 2048');
  });
});

describe('a truncated TAR', () => {
  const cut = (bytes: Buffer, length: number) => tarRefusal(bytes.subarray(0, length));
  const long = tar([FILE, tarLongName('b.jpg'), tarFile({ name: 'x', content: 'x'.repeat(600) })]);

  test.each([
    [0, 'The TAR is truncated: it ends at offset 0 without the zeros that mark its end'],
    [100, 'The TAR is truncated: it ends at offset 100 in a header'],
    [
      512,
      `Entry "a.jpg": the TAR is truncated, it ends at offset 512 after 0 of the entry's 3 bytes`,
    ],
    [
      514,
      `Entry "a.jpg": the TAR is truncated, it ends at offset 514 after 2 of the entry's 3 bytes`,
    ],
    [
      515,
      'Entry "a.jpg": the TAR is truncated, it ends at offset 515 in the padding behind its data',
    ],
    [
      1024,
      'The TAR is truncated: it ends at offset 1024 without the zeros that mark its end, behind entry "a.jpg"',
    ],
    [1400, 'The TAR is truncated: it ends at offset 1400 in a header, behind entry "a.jpg"'],
    [
      1540,
      'The TAR is truncated: it ends at offset 1540 in an extended header, behind entry "a.jpg"',
    ],
    [
      1900,
      'The TAR is truncated: it ends at offset 1900 in an extended header, behind entry "a.jpg"',
    ],
    [
      2048,
      'The TAR is truncated: it ends at offset 2048 without the zeros that mark its end, behind entry "a.jpg"',
    ],
    [
      3000,
      `Entry "b.jpg": the TAR is truncated, it ends at offset 3000 after 440 of the entry's 600 bytes`,
    ],
    [3600, 'The TAR is truncated: it ends at offset 3600 in a header, behind entry "b.jpg"'],
    [4200, 'The TAR is truncated: it ends at offset 4200, in the zeros that mark its end'],
  ])('of %i bytes is refused with the place', async (length, message) => {
    expect(await cut(long, length)).toBe(message);
  });

  test('is refused wherever it ends, but behind a whole block of zeros at its end', async () => {
    const whole = Buffer.concat([
      tar([
        tarFile({ name: 'folder/', type: '5' }),
        tarPax({ path: 'folder/a.jpg' }),
        FILE,
        tarLongName('folder/b.jpg'),
        tarFile({ name: 'b', content: 'x'.repeat(513) }),
        tarFile({ name: 'empty.jpg' }),
      ]),
      tarEnd(1),
    ]);
    const markedAt = whole.length - 3 * 512;
    for (let length = 0; length < whole.length; length += 1) {
      const enough = length === markedAt + 512 || length >= markedAt + 1024;
      const reading = readTar(inChunks(whole.subarray(0, length)));
      if (enough) expect(await reading).toHaveLength(3);
      else await expect(reading).rejects.toThrow(ArchiveError);
    }
  });

  test('is refused by its name where what is left of a file is passed over', async () => {
    const reader = new TarReader(inChunks(long.subarray(0, 514)));
    await reader.next();
    await expect(reader.next()).rejects.toThrow('Entry "a.jpg": the TAR is truncated');
  });
});
