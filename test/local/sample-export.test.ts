import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { planBatches } from '../../src/archive/batch-plan.ts';
import { findContents } from '../../src/archive/contents.ts';
import { parseManifest } from '../../src/archive/manifest.ts';
import { SAMPLE_FORMATS, type SampleOptions, sampleExport } from '../../src/local/sample-export.ts';
import { gzipChunks } from '../../src/local/sample-tar.ts';
import { jsonByPython } from '../support/python.ts';
import { extract, readByPython, readWhole, testByUnzip } from '../support/zip-fixtures.ts';

const OPTIONS: SampleOptions = { rows: 60, imageBytes: 5000, seed: 1 };

/** 2024-03-01 12:00:00 UTC. */
const MODIFIED = 1_709_294_400;

/** What Python's `tarfile` finds in a TAR or TAR.GZ, contents in base64. */
function untarByPython(archive: Buffer): {
  name: string;
  type: string;
  mode: number;
  modified: number;
  content: string;
}[] {
  const program = `
import base64, io, json, sys, tarfile
archive = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
def describe(member):
    content = archive.extractfile(member).read() if member.isfile() else b''
    return dict(name=member.name, type=member.type.decode(), mode=member.mode, modified=member.mtime,
                content=base64.b64encode(content).decode())
json.dump([describe(member) for member in archive], sys.stdout)
`;
  return jsonByPython(program, archive);
}

function bytesOf(options: Partial<SampleOptions> = {}): Promise<Buffer> {
  return buffer(sampleExport({ ...OPTIONS, ...options }).chunks());
}

describe('a sample export', () => {
  it('is a sound ZIP under a name as the client gives it', async () => {
    const sample = sampleExport(OPTIONS);
    const bytes = await buffer(sample.chunks());
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

  it.each(SAMPLE_FORMATS)(
    'is the same %s for the same seed, another for another',
    async (format) => {
      expect(await bytesOf({ format })).toEqual(await bytesOf({ format }));
      expect(await bytesOf({ format, seed: 2 })).not.toEqual(await bytesOf({ format }));
    },
  );

  it.each(['tar', 'tar.gz'] as const)('can be a %s as tar makes it of a folder', async (format) => {
    const sample = sampleExport({ ...OPTIONS, format, shuffle: true });
    const bytes = await buffer(sample.chunks());
    const [root, ...files] = untarByPython(bytes);
    expect(root).toEqual({ name: '.', type: '5', mode: 0o755, modified: MODIFIED, content: '' });
    expect(files).toHaveLength(OPTIONS.rows + 1);
    expect(files.at(-1)?.name).toBe('./manifest.csv');
    const contents = new Map(files.map(({ name, content }) => [name.replace('./', ''), content]));
    for (const { type, mode, modified } of files) {
      expect({ type, mode, modified }).toEqual({ type: '0', mode: 0o644, modified: MODIFIED });
    }
    expect(contents.get('manifest.csv')).toBe(sample.manifest.toString('base64'));
    for (const name of sample.imageNames) {
      expect(contents.get(name)).toBe(sample.image(name).toString('base64'));
    }
    expect(sample.fileName).toBe(sampleExport(OPTIONS).fileName.replace(/zip$/, format));
    const tar = format === 'tar' ? bytes : gunzipSync(bytes);
    expect(tar.length % 10_240).toBe(0);
    expect(tar.subarray(-1024)).toEqual(Buffer.alloc(1024));
  });

  it('has the same images in every format', async () => {
    const [zip, ...tars] = SAMPLE_FORMATS.map((format) => sampleExport({ ...OPTIONS, format }));
    for (const tar of tars) {
      expect(tar.imageNames).toEqual(zip?.imageNames);
      expect(tar.manifest).toEqual(zip?.manifest);
      for (const name of tar.imageNames) expect(tar.image(name)).toEqual(zip?.image(name));
    }
  });

  it.each([false, true])('has pictures that compress: %s', async (compressible) => {
    const sample = sampleExport({ ...OPTIONS, rows: 2, imageBytes: 140_000, compressible });
    for (const image of sample.imageNames.map(sample.image)) {
      expect(image).toHaveLength(140_000);
      expect(jpeg.decode(image).width).toBe(320);
      const ratio = image.length / gzipSync(image).length;
      if (compressible) expect(ratio).toBeGreaterThan(2);
      expect(ratio).toBeLessThan(compressible ? 3 : 1.1);
    }
  });

  it('ends with the error of what it is made of, compressed too', async () => {
    const broken = async function* () {
      yield Buffer.alloc(10);
      throw new Error('no more bytes');
    };
    await expect(buffer(gzipChunks(broken()))).rejects.toThrow('no more bytes');
  });

  it('can have its images in another order than the rows', async () => {
    const plain = sampleExport(OPTIONS);
    const names = readByPython(await bytesOf({ shuffle: true }));
    expect(names).not.toEqual([...plain.imageNames, 'manifest.csv']);
    expect(new Set(names)).toEqual(new Set([...plain.imageNames, 'manifest.csv']));
    expect(sampleExport({ ...OPTIONS, shuffle: true }).manifest).toEqual(plain.manifest);
  });
});
