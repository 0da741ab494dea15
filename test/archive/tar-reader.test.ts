import { describe, expect, test } from 'vitest';
import { TarReader } from '../../src/archive/tar-reader.ts';
import {
  base256,
  type CraftedTarFile,
  tar,
  tarEnd,
  tarFile,
  tarLongName,
  tarPax,
} from '../support/tar-crafting.ts';
import { inChunks, readTar, TAR_FIXTURES, tarRefusal } from '../support/tar-fixtures.ts';

const CONTENT = Buffer.from(Array.from({ length: 1300 }, (_, index) => (index * 167) & 255));

/** Files with and without headers before them, and what is passed over. */
const VARIETY = tar([
  { name: './', type: '5' },
  { name: 'a.jpg', content: CONTENT },
  tarPax({ mtime: '1000' }, 'g'),
  tarPax({ path: 'Blüte.jpg' }),
  { name: 'b', content: CONTENT.subarray(0, 512) },
  { name: 'folder/', type: '5' },
  tarLongName(`folder/${'c'.repeat(300)}`),
  { name: 'c', content: CONTENT.subarray(0, 1), padding: 0xff },
  { name: 'empty.jpg' },
  { name: 'last/', type: '5' },
]);
const VARIETY_CONTENTS = [1300, 512, 1, 0].map((length) => CONTENT.subarray(0, length));

async function drain(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const piece of pieces) read.push(piece);
  return Buffer.concat(read);
}

describe('chunks', () => {
  test.each([[[1]], [[7]], [[511]], [[512]], [[513]], [[1, 2000]], [[1_000_000]]])(
    'of %j bytes in turn',
    async (sizes) => {
      const files = await readTar(inChunks(VARIETY, sizes));
      expect(files.map(({ content }) => content)).toEqual(VARIETY_CONTENTS);
      expect(files.map(({ mtime }) => mtime)).toEqual([1_700_000_000, 1000, 1000, 1000]);
    },
  );

  test('without a byte', async () => {
    async function* chunks() {
      for await (const chunk of inChunks(VARIETY, [300])) yield* [Buffer.alloc(0), chunk];
    }
    expect(await readTar(chunks())).toHaveLength(4);
  });

  test('are what the data is views of', async () => {
    const chunks = VARIETY.subarray();
    const reader = new TarReader(inChunks(chunks, [600]));
    const file = await reader.next();
    const pieces: Buffer[] = [];
    for await (const piece of reader.data()) pieces.push(piece);
    expect(pieces.map((piece) => piece.length)).toEqual([176, 600, 524]);
    let position = file?.dataStart as number;
    for (const piece of pieces) {
      expect(piece.buffer).toBe(chunks.buffer);
      expect(piece.byteOffset).toBe(chunks.byteOffset + position);
      position += piece.length;
    }
  });

  test('fail as they fail, and are closed when asked', async () => {
    const failure = new Error('socket hang up');
    async function* broken() {
      yield VARIETY.subarray(0, 1200);
      throw failure;
    }
    await expect(readTar(broken())).rejects.toBe(failure);
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield VARIETY;
      } finally {
        closed = true;
      }
    }
    const reader = new TarReader(endless());
    await reader.next();
    expect(closed).toBe(false);
    await reader.close();
    expect(closed).toBe(true);
  });
});

describe('a file', () => {
  /** Larger than 8 GiB, which eleven octal digits can't say. */
  const size = 9 * 2 ** 30;

  test.each<[string, readonly (CraftedTarFile | Buffer)[]]>([
    ['base 256', [{ name: 'large', size: base256(BigInt(size)) }]],
    ['twelve octal digits', [{ name: 'large', size: size.toString(8).padStart(12, '0') }]],
    ['a pax header', [tarPax({ size: String(size) }), { name: 'large' }]],
  ])('of 9 GiB, its size in %s', async (_, headers) => {
    const blocks = headers.map((header) => (Buffer.isBuffer(header) ? header : tarFile(header)));
    const zeros = Buffer.alloc(2 ** 26);
    async function* chunks() {
      yield* blocks;
      for (let left = size; left > 0; left -= zeros.length) yield zeros;
      yield tar([{ name: 'next', content: 'abc' }]);
    }
    const reader = new TarReader(chunks());
    const file = await reader.next();
    const dataStart = 512 * (blocks.length === 1 ? 1 : 3);
    expect(file).toMatchObject({ name: 'large', size, dataStart });
    let read = 0;
    for await (const piece of reader.data()) read += piece.length;
    expect(read).toBe(size);
    expect(await reader.next()).toMatchObject({ name: 'next', dataStart: dataStart + size + 512 });
    expect(String(await drain(reader.data()))).toBe('abc');
    expect(await reader.next()).toBeUndefined();
  });

  test('need not be read, or not to its end', async () => {
    const reader = new TarReader(inChunks(VARIETY, [100]));
    const names: string[] = [];
    for (let file = await reader.next(); file; file = await reader.next()) {
      names.push(file.name);
      if (names.length === 1) await reader.data().next();
    }
    expect(names).toEqual(['a.jpg', 'Blüte.jpg', `folder/${'c'.repeat(300)}`, 'empty.jpg']);
  });

  test('is read on where reading it was left', async () => {
    const reader = new TarReader(inChunks(VARIETY, [100]));
    await reader.next();
    const { value } = await reader.data().next();
    expect(Buffer.concat([value as Buffer, await drain(reader.data())])).toEqual(CONTENT);
    expect(await drain(reader.data())).toHaveLength(0);
  });

  test('is over once the next has been asked for', async () => {
    const reader = new TarReader(inChunks(VARIETY, [100]));
    await reader.next();
    const old = reader.data();
    await old.next();
    await reader.next();
    expect(await old.next()).toEqual({ done: true, value: undefined });
    expect(await drain(reader.data())).toEqual(CONTENT.subarray(0, 512));
  });

  test('is none before the first and behind the last', async () => {
    const reader = new TarReader(inChunks(tarEnd()));
    expect(await drain(reader.data())).toHaveLength(0);
    expect(await reader.next()).toBeUndefined();
    expect(await reader.next()).toBeUndefined();
    expect(await drain(reader.data())).toHaveLength(0);
  });
});

describe('a checkpoint', () => {
  test.each(
    [['variety', VARIETY] as const, ...TAR_FIXTURES].filter(([name]) => !/^ref/.test(name)),
  )('behind any file of %s gives the rest of the files', async (_, bytes) => {
    const files = await readTar(inChunks(bytes));
    for (const [index, { checkpoint }] of files.entries()) {
      const from = JSON.parse(JSON.stringify(checkpoint));
      expect(await readTar(inChunks(bytes, [999], from.offset), from)).toEqual(
        files.slice(index + 1),
      );
    }
  });

  test('is where the next header is, and what globals are in force', async () => {
    const reader = new TarReader(inChunks(VARIETY));
    expect(reader.checkpoint()).toEqual({ offset: 0, globals: {} });
    await reader.next();
    const behindFirst = { offset: 512 + 512 + 1536, globals: {} };
    expect(reader.checkpoint()).toEqual(behindFirst);
    await drain(reader.data());
    expect(reader.checkpoint()).toEqual(behindFirst);
    await reader.next();
    expect(reader.checkpoint()).toEqual({
      offset: behindFirst.offset + 1024 + 1024 + 512 + 512,
      globals: { mtime: '1000' },
    });
    await reader.next();
    await reader.next();
    expect(await reader.next()).toBeUndefined();
    const atEnd = { offset: VARIETY.length - 1024, globals: { mtime: '1000' } };
    expect(reader.checkpoint()).toEqual(atEnd);
    const again = new TarReader(inChunks(VARIETY, [512], atEnd.offset), atEnd);
    expect(again.checkpoint()).toEqual(atEnd);
    expect(await again.next()).toBeUndefined();
  });

  test('lets errors say the place in the whole archive', async () => {
    const bytes = tar([
      { name: 'a.jpg', content: 'abc' },
      { name: 'b.jpg', checksum: 1 },
    ]);
    const from = { offset: 1024, globals: {} };
    expect(await tarRefusal(bytes.subarray(1024), from)).toBe(
      'Not a TAR: there is no header at offset 1024, or its checksum does not fit',
    );
    expect(await tarRefusal(bytes.subarray(1024, 1300), from)).toBe(
      'The TAR is truncated: it ends at offset 1300 in a header',
    );
    expect(await tarRefusal(Buffer.concat([tarEnd(), Buffer.from('x')]), from)).toBe(
      'The TAR has trailing garbage at offset 2048: its end is marked at 1024, only zeros may follow',
    );
  });
});
