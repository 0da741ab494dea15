import { buffer } from 'node:stream/consumers';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { planBatches } from '../../src/archive/batch-plan.ts';
import { findContents } from '../../src/archive/contents.ts';
import { parseManifest } from '../../src/archive/manifest.ts';
import { type SampleOptions, sampleExport } from '../../src/local/sample-export.ts';
import { extract, readByPython, readWhole, testByUnzip } from '../support/zip-fixtures.ts';

const OPTIONS: SampleOptions = { rows: 60, imageBytes: 5000, seed: 1 };

function bytesOf(options: Partial<SampleOptions> = {}): Promise<Buffer> {
  return buffer(sampleExport({ ...OPTIONS, ...options }).chunks());
}

describe('a sample export', () => {
  it('is a sound ZIP of the size that it says, under a name as the client gives it', async () => {
    const sample = sampleExport(OPTIONS);
    const bytes = await buffer(sample.chunks());
    expect(bytes.length).toBe(sample.size);
    testByUnzip(bytes);
    expect(readByPython(bytes)).toEqual([...sample.imageNames, 'manifest.csv']);
    expect(sample.fileName).toMatch(/^512-2-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.zip$/);
    expect(sampleExport({ ...OPTIONS, fileName: 'a.zip' }).fileName).toBe('a.zip');
  });

  it('has pictures that decode, each different, and of the size asked for', async () => {
    const archive = await bytesOf();
    const files = extract(archive, await readWhole(archive));
    files.delete('manifest.csv');
    const pictures = new Set<string>();
    for (const image of files.values()) {
      expect(image.length).toBe(5000);
      const { width, height, data } = jpeg.decode(image, { useTArray: true });
      expect([width, height]).toEqual([320, 240]);
      pictures.add(Buffer.from(data).toString('base64'));
    }
    expect(pictures.size).toBe(OPTIONS.rows);
  });

  it.each([0, 4000, 66_000, 70_000, 140_000])('has whole pictures at %i bytes', async (size) => {
    const archive = await bytesOf({ rows: 1, imageBytes: size });
    const [image] = extract(archive, await readWhole(archive)).values();
    if (size > 0) expect(image).toHaveLength(size);
    expect(jpeg.decode(image ?? Buffer.alloc(0)).width).toBe(320);
  });

  it('has a manifest that the split reads, with all that the dialect has', async () => {
    const sample = sampleExport(OPTIONS);
    const archive = await buffer(sample.chunks());
    const entries = await readWhole(archive);
    expect(extract(archive, entries).get('manifest.csv')).toEqual(sample.manifest);
    const options = { name: 'manifest.csv', imageColumn: 'imageName', maxRowBytes: 10_000 };
    const manifest = parseManifest(sample.manifest, options);
    expect(manifest.columns).toHaveLength(18);
    expect(manifest.rows.map(({ image }) => image)).toEqual(sample.imageNames);
    for (const text of ['\\"Smith\\"', 'D:\\scans\\",', '""Big Bend""', 'Ferns\nand', 'Québec']) {
      expect(sample.manifest.toString()).toContain(text);
    }
    const batches = planBatches(manifest, findContents(entries), {
      batchSize: 25,
      maxBatches: 10,
      inSourceOrder: (a, b) => a.recordStart - b.recordStart,
    });
    expect(batches.map(({ images }) => images.length)).toEqual([25, 25, 10]);
  });

  it('is the same for the same seed, another for another', async () => {
    expect(await bytesOf()).toEqual(await bytesOf());
    expect(await bytesOf({ seed: 2 })).not.toEqual(await bytesOf());
  });

  it('can have its images in another order than the rows', async () => {
    const plain = sampleExport(OPTIONS);
    const names = readByPython(await bytesOf({ shuffle: true }));
    expect(names).not.toEqual([...plain.imageNames, 'manifest.csv']);
    expect(new Set(names)).toEqual(new Set([...plain.imageNames, 'manifest.csv']));
    expect(sampleExport({ ...OPTIONS, shuffle: true }).manifest).toEqual(plain.manifest);
  });
});
