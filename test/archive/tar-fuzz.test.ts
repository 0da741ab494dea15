import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import {
  type CraftedTarFile,
  GNU_MAGIC,
  NO_MAGIC,
  tar,
  tarLongName,
  tarPax,
} from '../support/tar-crafting.ts';
import {
  digest,
  inChunks,
  makeTarsByPython,
  type PythonTar,
  readTar,
  readTarsByPython,
  TAR_FIXTURES,
} from '../support/tar-fixtures.ts';

/** A path of safe segments: text of all kinds, up to some 400 bytes. */
const segment = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  .map((text) => text.replace(/[\u0000-\u001f\u007f-\u009f\\/]/g, '_'))
  .filter((text) => text !== '.' && text !== '..' && !/^[a-z]:/i.test(text));
const path = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join('/'));
const content = fc.uint8Array({ maxLength: 1600, size: 'max' }).map((bytes) => Buffer.from(bytes));
const file = fc.record({
  name: path,
  content,
  mtime: fc.integer({ min: 0, max: 0o77777777777 }),
});
const chunkSizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });

/** How a file's name and time can be told. */
const style = fc.constantFrom('header', 'pax', 'gnu');
const BYTES_OF_NAME = 100;

function crafted(
  { name, content, mtime }: { name: string; content: Buffer; mtime: number },
  how: 'header' | 'pax' | 'gnu',
): (CraftedTarFile | Buffer)[] {
  if (how === 'pax') {
    const records = { path: name, size: String(content.length), mtime: `${mtime}.5` };
    return [tarPax(records), { name: 'in-the-pax-header', content, mtime: 0 }];
  }
  if (how === 'gnu' || Buffer.byteLength(name) > BYTES_OF_NAME) {
    return [tarLongName(name), { name: 'cut', content, mtime, magic: GNU_MAGIC }];
  }
  return [{ name, content, mtime }];
}

test('files of any name, size and time, cut anywhere, are read back from any checkpoint', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(file, style), { maxLength: 6 }),
      chunkSizes,
      async (wanted, sizes) => {
        const bytes = tar(wanted.flatMap(([file, how]) => crafted(file, how)));
        const files = await readTar(inChunks(bytes, sizes));
        expect(files.map(({ name, content, mtime }) => ({ name, content, mtime }))).toEqual(
          wanted.map(([file]) => file),
        );
        for (const [index, { checkpoint }] of files.entries()) {
          const chunks = inChunks(bytes, sizes, checkpoint.offset);
          expect(await readTar(chunks, checkpoint)).toEqual(files.slice(index + 1));
        }
      },
    ),
    { numRuns: 300 },
  );
});

describe("Python's tarfile", () => {
  /** What fits into a header of ustar. */
  const shortName = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 90 })
    .map((text) => `n${text.replace(/[\\/:]/g, '_')}`);

  test.each([
    ['USTAR', file.chain((one) => shortName.map((name) => ({ ...one, name })))],
    ['GNU', file],
    ['PAX', file],
  ] as const)('writes %s, which is read back', async (format, file) => {
    const files = fc.array(file, { minLength: 1, maxLength: 5 });
    const wanted = fc.sample(files, 100).map((files): PythonTar => ({ format, files }));
    const made = makeTarsByPython(wanted);
    const byPython = readTarsByPython(made);
    for (const [index, bytes] of made.entries()) {
      const files = await readTar(inChunks(bytes, [700]));
      expect(files.map(digest)).toEqual(byPython[index]);
      expect(files.map(({ name, mtime, content }) => ({ name, mtime, content }))).toEqual(
        wanted[index]?.files,
      );
    }
  });
});

/** Where headers are: blocks with a mode. */
function headersOf(bytes: Buffer): number[] {
  const starts = Array.from({ length: bytes.length / 512 }, (_, index) => index * 512);
  return starts.filter((start) =>
    /^0{3,4}[0-7]{3}[ \0]/.test(bytes.toString('latin1', start + 100, start + 108)),
  );
}

describe('a changed TAR', () => {
  const CONTENT = Buffer.from('some bytes of a picture, more than are in a line'.repeat(12));

  /** Each kind of header. */
  const small = tar([
    { name: 'a.jpg', content: CONTENT, prefix: 'folder' },
    tarPax({ path: 'Blüte.jpg', mtime: '1.5' }),
    { name: 'pax', content: 'abc' },
    tarPax({ mtime: '5' }, 'g'),
    tarLongName('long.jpg'),
    { name: 'gnu', content: CONTENT, magic: GNU_MAGIC },
    { name: Buffer.from('v7\xfc', 'latin1'), content: 'abc', magic: NO_MAGIC },
  ]);

  test('with any one bit of a header flipped is refused, or read as before', async () => {
    const before = await readTar(inChunks(small));
    const headers = headersOf(small);
    expect(headers).toHaveLength(7);
    const changed = Buffer.from(small);
    let refused = 0;
    for (const start of headers) {
      for (let bit = 0; bit < 512 * 8; bit += 1) {
        const at = start + (bit >> 3);
        changed.writeUInt8(small.readUInt8(at) ^ (1 << (bit & 7)), at);
        try {
          expect(await readTar(inChunks(changed))).toEqual(before);
        } catch (error) {
          if (!(error instanceof ArchiveError)) throw error;
          refused += 1;
        }
        changed.writeUInt8(small.readUInt8(at), at);
      }
    }
    // What is not refused is a space or NUL before or behind the digits of a checksum.
    expect(refused).toBeGreaterThan(headers.length * (512 * 8 - 16));
  });

  /** A place in a header, most often where its numbers and type are, or in the body behind it. */
  const place = fc.oneof(fc.integer({ min: 120, max: 160 }), fc.nat({ max: 600 }));

  /** Bytes that mean something in a header, and others. */
  const byte = fc.oneof(
    fc.constantFrom(...Buffer.from('\0 01267/.xgLK5VSMD\xff\x80=\n', 'latin1')),
    fc.integer({ min: 0, max: 255 }),
  );
  const originals = new Map(
    [...TAR_FIXTURES, ['small', small] as const].filter(([name]) => !name.startsWith('refused-')),
  );

  test('whose checksums fit again is refused, or has its files where the reader says', async () => {
    let refused = 0;
    const runs = 2000;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...originals.keys()),
        fc.nat(),
        fc.array(fc.tuple(place, byte), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 50, max: 2000 }),
        async (name, choice, changes, chunkBytes) => {
          const bytes = originals.get(name) as Buffer;
          const headers = headersOf(bytes);
          const start = headers[choice % headers.length] as number;
          const changed = Buffer.from(bytes);
          for (const [at, value] of changes) changed[start + at] = value;
          fixChecksum(changed.subarray(start, start + 512));
          try {
            let end = 0;
            for (const { dataStart, size, content } of await readTar(
              inChunks(changed, [chunkBytes]),
            )) {
              expect(dataStart).toBeGreaterThanOrEqual(end + 512);
              expect(content).toEqual(changed.subarray(dataStart, dataStart + size));
              end = dataStart + size;
            }
          } catch (error) {
            if (!(error instanceof ArchiveError)) throw error;
            refused += 1;
          }
        },
      ),
      { numRuns: runs },
    );
    // About half are; were hardly any, this test would test nothing.
    expect(refused).toBeGreaterThan(runs / 8);
  });

  function fixChecksum(header: Buffer): void {
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, value) => total + value, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
});
