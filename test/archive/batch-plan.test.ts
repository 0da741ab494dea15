import { describe, expect, it } from 'vitest';
import { partName, planBatches } from '../../src/archive/batch-plan.ts';
import { findContents } from '../../src/archive/contents.ts';
import { ArchiveError, LimitError } from '../../src/archive/errors.ts';
import { parseManifest } from '../../src/archive/manifest.ts';

/** The batches of rows that name `images`, from an archive that holds `files` in that order. */
function plan(
  images: readonly string[],
  files: readonly string[],
  batchSize = 3,
  maxBatches = 100,
) {
  const bytes = Buffer.from(`imageName\n${images.join('\n')}\n`);
  const options = { name: 'm.csv', imageColumn: 'imageName', maxRowBytes: 1000 };
  const entries = ['m.csv', ...files].map((name, position) => ({
    name,
    position,
    crc32: position,
    uncompressedSize: 1,
  }));
  return planBatches(parseManifest(bytes, options), findContents(entries), {
    batchSize,
    maxBatches,
    inSourceOrder: (a, b) => a.position - b.position,
  });
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}.jpg`);
}

describe('batches', () => {
  it.each([
    [1, [[0, 1]]],
    [3, [[0, 3]]],
    [
      4,
      [
        [0, 3],
        [3, 4],
      ],
    ],
    [
      6,
      [
        [0, 3],
        [3, 6],
      ],
    ],
  ])('of 3 rows hold %i rows in order, the last one shorter', (rows, expected) => {
    const batches = plan(names(rows), names(rows));
    expect(batches.map(({ firstRow, endRow }) => [firstRow, endRow])).toEqual(expected);
    expect(batches.map(({ number }) => number)).toEqual(expected.map((_, index) => index + 1));
  });

  it('have the images of their rows in the order of the archive', () => {
    const batches = plan(['d', 'b', 'c', 'a'], ['c', 'a', 'b', 'x', 'd']);
    expect(batches.map(({ images }) => images.map(({ name }) => name))).toEqual([
      ['c', 'b', 'd'],
      ['a'],
    ]);
    expect(batches[1]?.images[0]?.entry.position).toBe(2);
  });

  it('have an image once, however many of their rows name it, and each that needs it', () => {
    const batches = plan(['a', 'a', 'b', 'a'], ['a', 'b']);
    expect(batches.map(({ images }) => images.map(({ name }) => name))).toEqual([
      ['a', 'b'],
      ['a'],
    ]);
  });

  it('are refused over MAX_BATCHES', () => {
    expect(plan(names(6), names(6), 3, 2)).toHaveLength(2);
    expect(() => plan(names(7), names(7), 3, 2)).toThrow(
      new LimitError('7 rows make 3 batches of 3, the limit is 2 (MAX_BATCHES); raise BATCH_SIZE'),
    );
  });

  it('are refused where images are missing: all are counted, ten are named with their lines', () => {
    expect(() => plan(['a', 'b', 'b'], ['a'])).toThrow(
      new ArchiveError(
        '1 image is named by the manifest "m.csv" but not in the archive: "b" (line 3)',
      ),
    );
    expect(() => plan(names(14), ['3.jpg', '5.jpg'])).toThrow(
      /^12 images are named .*: "0\.jpg" \(line 2\), .*"4\.jpg" \(line 6\), .*"11\.jpg" \(line 13\) and 2 more$/,
    );
  });

  it('are refused with a hint where an image of nearly that name is there', () => {
    expect(() => plan(['a.jpg'], ['A.JPG'])).toThrow('"a.jpg" (line 2; the archive has "A.JPG")');
    expect(() => plan(['a.jpg'], ['b.jpg', 'x/a.jpg'])).toThrow('the archive has "x/a.jpg"');
  });

  it("are refused where an image would take the manifest's name in a batch zip", () => {
    for (const name of ['manifest.csv', 'MANIFEST.csv']) {
      expect(() => plan(['a', name], ['a'])).toThrow(`line 3: the image is called "${name}"`);
    }
  });

  it('of a quarter of a million rows are planned in seconds', () => {
    const images = names(250_000);
    const started = performance.now();
    expect(plan(images, images, 2000, 1000)).toHaveLength(125);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

it.each([
  ['512-2-8d2a.zip', '512-2-8d2a-part3.zip'],
  ['a.tar.gz', 'a-part3.zip'],
  ['a.TGZ', 'a-part3.zip'],
  ['a.tar', 'a-part3.zip'],
  ['a.zip.tar', 'a.zip-part3.zip'],
  ['a.b', 'a.b-part3.zip'],
])('the third batch zip of %s is %s', (file, part) => {
  expect(partName(file, 3)).toBe(part);
});
