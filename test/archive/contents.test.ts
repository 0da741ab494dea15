import { describe, expect, it } from 'vitest';
import { findContents, findNearMatch, sameManifest } from '../../src/archive/contents.ts';
import { ArchiveError } from '../../src/archive/errors.ts';

/** An entry whose content is told by a number. */
function file(name: string, content = 1) {
  return { name, crc32: content, uncompressedSize: 100 };
}

function find(...names: string[]) {
  const { manifests, images, elsewhere } = findContents(names.map((name) => file(name)));
  return {
    manifests: manifests.map(({ name }) => name),
    images: Object.fromEntries([...images].map(([flat, { name }]) => [flat, name])),
    elsewhere: elsewhere.map(({ name }) => name),
  };
}

describe('the images', () => {
  it('are the files beside the manifest, by their flat names', () => {
    expect(find('a.jpg', 'manifest.csv', 'b.png')).toEqual({
      manifests: ['manifest.csv'],
      images: { 'a.jpg': 'a.jpg', 'b.png': 'b.png' },
      elsewhere: [],
    });
  });

  it('lose a leading ./, some or all of them', () => {
    expect(find('./', './a.jpg', 'b.jpg', './manifest.csv', '././c.jpg')).toEqual({
      manifests: ['./manifest.csv'],
      images: { 'a.jpg': './a.jpg', 'b.jpg': 'b.jpg', 'c.jpg': '././c.jpg' },
      elsewhere: [],
    });
  });

  it('lose one common folder, however deep', () => {
    expect(find('x/', 'x/y/', 'x/y/manifest.csv', './x/y/a.jpg', 'x/y/b.jpg').images).toEqual({
      'a.jpg': './x/y/a.jpg',
      'b.jpg': 'x/y/b.jpg',
    });
  });

  it('lose their folder where the manifest lies beside or above it', () => {
    const expected = { 'a.jpg': 'x/images/a.jpg', 'b.jpg': 'x/images/b.jpg' };
    expect(find('manifest.csv', 'x/images/a.jpg', 'x/images/b.jpg').images).toEqual(expected);
    expect(find('x/export.csv', 'x/images/a.jpg', 'x/images/b.jpg').images).toEqual(expected);
  });

  it('are not what other folders hold', () => {
    const { images, elsewhere } = find('manifest.csv', 'a.jpg', 'small/a.jpg', 'small/b.jpg');
    expect(images).toEqual({ 'a.jpg': 'a.jpg' });
    expect(elsewhere).toEqual(['small/a.jpg', 'small/b.jpg']);
  });

  it('are found whatever macOS and Windows left beside them', () => {
    const litter = ['__MACOSX/._a.jpg', '.DS_Store', 'x/.DS_Store', 'x/Thumbs.db', 'x/._m.csv'];
    expect(find(...litter, 'x/a.jpg', 'x/m.csv')).toEqual({
      manifests: ['x/m.csv'],
      images: { 'a.jpg': 'x/a.jpg' },
      elsewhere: [],
    });
  });

  it('count once where the archive has them twice and equal', () => {
    expect(find('a.jpg', './a.jpg', 'a.jpg', 'm.csv').images).toEqual({ 'a.jpg': 'a.jpg' });
  });

  it('are refused where one name has two contents', () => {
    const entries = [file('m.csv'), file('a.jpg', 1), file('a.jpg', 2)];
    expect(() => findContents(entries)).toThrow(
      new ArchiveError('Entry "a.jpg": the archive has it twice, with different content'),
    );
    const prefixed = [file('m.csv'), file('a.jpg', 1), file('./a.jpg', 2)];
    expect(() => findContents(prefixed)).toThrow('Entry "./a.jpg": the archive has it also as "a');
  });

  it.each([
    ['Leaf.jpg', 'leaf.JPG'],
    ['Quercus_n\u00famero.jpg', 'Quercus_nu\u0301mero.jpg'],
    ['\u00c9.jpg', 'e\u0301.jpg'],
    ['STRASSE.jpg', 'stra\u00dfe.jpg'],
    ['\u03bf\u03b4\u03bf\u03c2.jpg', '\u039f\u0394\u039f\u03a3.jpg'],
    ['Manifest.csv', 'manifest.csv'],
  ])('are refused where %j and %j would be one file', (one, other) => {
    expect(() => find('manifest.csv', one, other)).toThrow(ArchiveError);
    expect(() => find('manifest.csv', one, other)).toThrow('only by case or Unicode form');
  });

  it('may differ by compatibility form, as they may on every file system', () => {
    expect(Object.keys(find('m.csv', 'm\u00b2.jpg', 'm2.jpg').images)).toHaveLength(2);
  });

  it('are refused where no file system could hold the name', () => {
    expect(find('m.csv', `${'é'.repeat(125)}.jpg`).images).not.toEqual({});
    expect(() => find('m.csv', `${'é'.repeat(126)}.jpg`)).toThrow('256 bytes');
  });
});

describe('the manifest', () => {
  it('is manifest.csv before any other CSV', () => {
    expect(find('a.csv', 'manifest.csv', 'b.CSV', 'a.jpg').manifests).toEqual(['manifest.csv']);
  });

  it('is else the only CSV beside the images, whatever its name', () => {
    expect(find('8d2ac06b-60f4.CSV', 'a.jpg', 'notes/b.csv').manifests).toEqual([
      '8d2ac06b-60f4.CSV',
    ]);
  });

  it('may be there several times, equal', () => {
    const names = ['manifest.csv', './manifest.csv', 'manifest.csv'];
    expect(find(...names, 'a.jpg').manifests).toEqual(names);
    expect(find('a.csv', 'b.csv', 'a.jpg').manifests).toEqual(['a.csv', 'b.csv']);
  });

  it('is refused where several differ, and they are named', () => {
    const entries = [file('a.csv', 1), file('b.csv', 1), file('c.csv', 2), file('a.jpg')];
    expect(() => findContents(entries)).toThrow(
      new ArchiveError('The archive has manifests that differ: "a.csv", "c.csv"; keep one'),
    );
    const elsewhere = [file('manifest.csv', 1), file('old/manifest.csv', 2), file('a.jpg')];
    expect(() => findContents(elsewhere)).toThrow('"manifest.csv", "old/manifest.csv"');
  });

  it('is compared by its bytes, because a CRC-32 can be equal by design', () => {
    const copies = [
      { name: 'a.csv', bytes: Buffer.from('x') },
      { name: 'b.csv', bytes: Buffer.from('x') },
    ];
    expect(sameManifest(copies).toString()).toBe('x');
    const third = { name: 'c.csv', bytes: Buffer.from('y') };
    expect(() => sameManifest([...copies, third])).toThrow('differ: "a.csv", "c.csv"');
  });

  it('is missed with what the archive has instead', () => {
    const expected = 'The archive has no manifest: expected manifest.csv or one *.csv';
    expect(() => find('a.jpg', 'b.txt')).toThrow(
      `${expected} beside the images, found 2 files, none of them a CSV`,
    );
    expect(() => find('a.jpg', 'x/b.csv')).toThrow('CSV files only in other folders: "x/b.csv"');
    expect(() => find()).toThrow('found 0 files');
  });
});

describe('a near match', () => {
  const contents = findContents(['m.csv', 'Leaf.JPG', 'x/oak.jpg', 'é.jpg'].map((n) => file(n)));

  it.each([
    ['leaf.jpg', 'Leaf.JPG'],
    ['images/Leaf.JPG', 'Leaf.JPG'],
    ['e\u0301.jpg', 'é.jpg'],
    ['oak.jpg', 'x/oak.jpg'],
    ['pine.jpg', undefined],
  ])('of %j is %j', (name, near) => {
    expect(findNearMatch(contents, name)).toBe(near);
  });
});

it('contents of a hundred thousand files, many of them manifests, are found in seconds', () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `x/${index}.jpg`);
  const copies = Array.from({ length: 20_000 }, (_, index) => `x/${index}/manifest.csv`);
  const started = performance.now();
  expect(Object.keys(find(...names, ...copies).images)).toHaveLength(100_000);
  expect(performance.now() - started).toBeLessThan(5000);
});
