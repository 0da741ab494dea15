import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entryPaths, normalizeDestination } from '../../src/archive/entry-paths.ts';
import { ArchiveError } from '../../src/archive/errors.ts';
import { foldName } from '../../src/archive/flat-names.ts';

describe('a file is put at', () => {
  test.each([
    ['b.png', undefined, 'b.png'],
    ['b.png', '', 'b.png'],
    ['b.png', '.', 'b.png'],
    ['b.png', 'album_1', 'album_1/b.png'],
    ['b.png', 'album_1/', 'album_1/b.png'],
    ['b.png', './album_1', 'album_1/b.png'],
    ['b.png', 'a//b/./c/', 'a/b/c/b.png'],
    ['ä 中.png', 'Bücher/x', 'Bücher/x/ä 中.png'],
    ['..b', '...', '.../..b'],
    ['b', 'a..b', 'a..b/b'],
  ])('%j with the destination %j: %s', (baseName, destination, path) => {
    expect(entryPaths([{ baseName, destination }])).toEqual({ names: [path], renamed: [] });
  });

  test('a folder is made as short as it can be', () => {
    expect(normalizeDestination('a//b/./c/')).toBe('a/b/c');
    expect(normalizeDestination('./')).toBe('');
    expect(normalizeDestination('')).toBe('');
  });
});

describe('refused is', () => {
  test.each([
    ['..', /the name climbs with ".."/],
    ['../a', /the name climbs with ".."/],
    ['a/../b', /the name climbs with ".."/],
    ['a/..', /the name climbs with ".."/],
    ['/a', /the name is an absolute path/],
    ['//a', /the name is an absolute path/],
    ['/', /the name is an absolute path/],
    ['C:', /the name starts with a drive letter/],
    ['c:/a', /the name starts with a drive letter/],
    ['a\\b', /the name holds a backslash/],
    ['..\\a', /the name holds a backslash/],
    ['a\0b', /the name holds a NUL character/],
    ['a\nb', /the name holds a control character/],
    ['a\u007f', /the name holds a control character/],
    ['a\u0085', /the name holds a control character/],
    ['./C:/a', /the name starts with a drive letter/],
  ])('the destination %j', (destination, reason) => {
    const place = () => entryPaths([{ baseName: 'b.png', destination }]);
    expect(place).toThrow(ArchiveError);
    expect(place).toThrow(reason);
  });

  test.each([
    ['', /has no file name|the name is empty/],
    ['.', /has no file name/],
    ['a/b', /has no file name/],
    ['..', /the name climbs with ".."/],
    ['C:', /the name starts with a drive letter/],
    ['a\\b', /the name holds a backslash/],
    ['a\u0001', /the name holds a control character/],
  ])('the file name %j', (baseName, reason) => {
    for (const destination of [undefined, './']) {
      const place = () => entryPaths([{ baseName, destination }]);
      expect(place).toThrow(ArchiveError);
      expect(place).toThrow(reason);
    }
  });

  test('a path that is too long for a ZIP, if only with its file name', () => {
    const destination = 'x'.repeat(65_530);
    expect(() => normalizeDestination(`${destination}123456`)).toThrow(/has 65536 bytes/);
    expect(() => entryPaths([{ baseName: '1234', destination }])).not.toThrow();
    expect(() => entryPaths([{ baseName: '12345', destination }])).toThrow(/has 65536 bytes/);
  });

  test('text that UTF-8 can not say: in a ZIP, different names would become one', () => {
    for (const half of ['\ud800', '\udfff']) {
      expect(() => entryPaths([atRoot(`${half}.png`)])).toThrow(ArchiveError);
      expect(() => entryPaths([{ baseName: 'a', destination: half }])).toThrow(ArchiveError);
    }
  });

  test('a number that makes a path too long for a ZIP', () => {
    const file = { baseName: '1234', destination: 'x'.repeat(65_530) };
    expect(() => entryPaths([file, file])).toThrow(/has 65539 bytes/);
  });
});

describe('of equal names, the later becomes', () => {
  test.each([
    [
      'numbered before its extension',
      ['a.png', 'a.png', 'a.png'],
      ['a.png', 'a (2).png', 'a (3).png'],
    ],
    ['numbered before its last extension', ['a.tar.gz', 'a.tar.gz'], ['a.tar.gz', 'a.tar (2).gz']],
    ['numbered at its end without one', ['README', 'README'], ['README', 'README (2)']],
    [
      'numbered at its end where it begins with its only dot',
      ['.env', '.env'],
      ['.env', '.env (2)'],
    ],
    ['numbered before a dot at its end', ['a.', 'a.'], ['a.', 'a (2).']],
    [
      'numbered where it looks numbered',
      ['a (2).png', 'a (2).png'],
      ['a (2).png', 'a (2) (2).png'],
    ],
    ['the next free number', ['a (2).png', 'a.png', 'a.png'], ['a (2).png', 'a.png', 'a (3).png']],
    [
      'numbered where an earlier one has become what it is',
      ['a.png', 'a.png', 'a (2).png'],
      ['a.png', 'a (2).png', 'a (2) (2).png'],
    ],
    ['numbered where only case differs', ['a.png', 'A.PNG'], ['a.png', 'A (2).PNG']],
    ['numbered where only Unicode form differs', ['\u00e4', 'a\u0308'], ['\u00e4', 'a\u0308 (2)']],
    ['the next number whatever its case', ['a', 'A', 'a'], ['a', 'A (2)', 'a (3)']],
    ['numbered where upper case is longer', ['straße', 'STRASSE'], ['straße', 'STRASSE (2)']],
  ])('%s', (_, wanted, names) => {
    expect(entryPaths(wanted.map(atRoot)).names).toEqual(names);
  });

  test('told with its index, and what it was to be', () => {
    const files = [
      { baseName: 'b.png', destination: 'x' },
      { baseName: 'b.png', destination: 'y' },
      { baseName: 'b.png', destination: './x/' },
    ];
    expect(entryPaths(files)).toEqual({
      names: ['x/b.png', 'y/b.png', 'x/b (2).png'],
      renamed: [{ index: 2, wanted: 'x/b.png', name: 'x/b (2).png' }],
    });
  });

  test('numbered in its file name, not at a dot of its folder', () => {
    const file = { baseName: 'README', destination: 'v1.2' };
    expect(entryPaths([file, file]).names).toEqual(['v1.2/README', 'v1.2/README (2)']);
  });

  test('numbered, for 100,000 of them, without trying all numbers before', () => {
    const { names, renamed } = entryPaths(Array(100_000).fill(atRoot('a.png')));
    expect(names.at(-1)).toBe('a (100000).png');
    expect(new Set(names).size).toBe(100_000);
    expect(renamed).toHaveLength(99_999);
  });

  test('numbered, where 50,000 numbers are taken', () => {
    const numbered = Array.from({ length: 50_000 }, (_, index) => atRoot(`a (${index + 2}).png`));
    const { names } = entryPaths([...numbered, ...Array(50_000).fill(atRoot('a.png'))]);
    expect(names.at(-1)).toBe('a (100000).png');
    expect(new Set(names).size).toBe(100_000);
  });
});

describe('a path that is a file and a folder is refused', () => {
  test.each([
    ['the file first', ['a', 'a/b.png']],
    ['the folder first', ['a/b.png', 'a']],
    ['deeper', ['x/a', 'x/a/b/c.png']],
    ['where only case differs', ['x/A', 'x/a/b.png']],
    ['where the file is renamed to it', ['a (2)/b', 'a', 'a']],
  ])('%s', (_, paths) => {
    const place = () => entryPaths(paths.map(atPath));
    expect(place).toThrow(ArchiveError);
    expect(place).toThrow(/is a file, and the folder of ".*" as well/);
  });

  test('but not one that only begins like it', () => {
    expect(() => entryPaths(['a', 'ab/c', 'a.d/e'].map(atPath))).not.toThrow();
  });
});

test('all names differ, in any case and Unicode form; order is kept; what is renamed is told', () => {
  const word = fc.constantFrom('a', 'A', 'a (2)', 'A (2)', 'a (2) (2)', 'ä', 'a\u0308', 'ß', 'SS');
  const baseName = fc
    .tuple(word, fc.constantFrom('', '.x', '.X', '.y.x'))
    .map((parts) => parts.join(''));
  const destination = fc.constantFrom(undefined, '', './', 'f.d', 'F.D/', 'f.d//.');
  fc.assert(
    fc.property(fc.array(fc.record({ baseName, destination }), { maxLength: 40 }), (files) => {
      const { names, renamed } = entryPaths(files);
      expect(names).toHaveLength(files.length);
      expect(new Set(names.map(foldName)).size).toBe(names.length);

      const wanted = files.map(({ baseName, destination = '' }) => {
        const folder = normalizeDestination(destination);
        return folder === '' ? baseName : `${folder}/${baseName}`;
      });
      expect(renamed).toEqual(
        names.flatMap((name, index) =>
          name === wanted[index] ? [] : [{ index, wanted: wanted[index], name }],
        ),
      );
      // The first that wants a name gets it, unless a number before has taken it.
      for (const { index, wanted: taken } of renamed) {
        expect(names.slice(0, index).map(foldName)).toContain(foldName(taken));
      }
    }),
    { numRuns: 500 },
  );
});

function atRoot(baseName: string) {
  return { baseName, destination: undefined };
}

function atPath(path: string) {
  const slash = path.lastIndexOf('/');
  return { baseName: path.slice(slash + 1), destination: path.slice(0, Math.max(slash, 0)) };
}
