import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FLAG_DATA_DESCRIPTOR, FLAG_UTF8 } from '../../src/archive/zip-entry.ts';
import {
  type CraftedEntry,
  craftDescriptor,
  craftExtra,
  craftZip,
  craftZip64Extra,
} from '../support/zip-crafting.ts';
import { readWhole, refusal } from '../support/zip-fixtures.ts';

const DATA = Buffer.from('some bytes of a picture');
const A: CraftedEntry = { name: 'a.jpg', data: DATA };
const B: CraftedEntry = { name: 'b.jpg', data: DATA };
const C: CraftedEntry = { name: 'c.jpg', data: DATA };

describe('local headers that contradict the central directory', () => {
  const sure = 'Entry "b.jpg": local header at offset 58: ';
  test.each<[string, CraftedEntry['local'], string]>([
    ['name', { name: 'x.jpg' }, `${sure}the name is "x.jpg"`],
    ['method', { method: 8 }, `${sure}compression method is 8, the central directory says 0`],
    ['compressed size', { compressedSize: 22 }, `${sure}compressed size is 22, the central`],
    ['uncompressed size', { uncompressedSize: 99 }, `${sure}uncompressed size is 99, the central`],
    ['CRC-32', { crc: 0x1a2b }, `${sure}CRC-32 is 00001a2b, the central directory says `],
    ['encryption', { flags: 1 }, `${sure}flags are 0x0001, the central directory says 0x0000`],
    ['a descriptor', { flags: FLAG_DATA_DESCRIPTOR }, `${sure}flags are 0x0008`],
    ['UTF-8', { flags: FLAG_UTF8 }, `${sure}flags are 0x0800`],
    ['a shorter name', { name: '' }, 'Entry "b.jpg": '],
    [
      'Zip64 sizes',
      { compressedSize: 0xffffffff, uncompressedSize: 0xffffffff, extra: craftZip64Extra(1, 2) },
      `${sure}compressed size is 2`,
    ],
    [
      'a mark without Zip64',
      { compressedSize: 0xffffffff },
      `${sure}a size or offset refers to a Zip64 extra field, but there is none`,
    ],
    [
      'a Unicode Path to another file',
      { extra: unicodePath('b.jpg', '../b.jpg') },
      `${sure}its Unicode Path is "../b.jpg"`,
    ],
  ])('%s', async (_, local, message) => {
    expect(await refusal(craftZip([A, { ...B, local: { ...local } }, C]))).toContain(message);
  });

  test('flags that say how hard deflate tried may differ', async () => {
    const archive = craftZip([{ ...A, method: 8, flags: 2, local: { flags: 4 } }]);
    expect(await readWhole(archive)).toHaveLength(1);
  });

  test.each<[string, Buffer]>([
    ['another CRC', craftDescriptor(Buffer.from(DATA).reverse(), { signed: true, wide: false })],
    ['another size', craftDescriptor(DATA, { signed: true, wide: false }, 5)],
    [
      'another signature',
      Buffer.concat([
        Buffer.from('PK\x03\x04'),
        craftDescriptor(DATA, { signed: false, wide: false }),
      ]),
    ],
    [
      '32 bits and padding',
      Buffer.concat([craftDescriptor(DATA, { signed: true, wide: false }), Buffer.alloc(4)]),
    ],
  ])('a data descriptor with %s', async (_, descriptor) => {
    const good = craftDescriptor(DATA, { signed: true, wide: false });
    const streamed = { data: DATA, flags: FLAG_DATA_DESCRIPTOR };
    const archive = craftZip([
      { ...streamed, name: 'a.jpg', descriptor: good },
      { ...streamed, name: 'b.jpg', descriptor },
    ]);
    expect(await refusal(archive)).toContain(
      `Entry "b.jpg": its data descriptor is ${descriptor.toString('hex')}, which contradicts`,
    );
  });

  test('with bit 3, sizes in the local header that are neither right nor 0', async () => {
    const descriptor = craftDescriptor(DATA, { signed: true, wide: false });
    const entry = { ...A, flags: FLAG_DATA_DESCRIPTOR, descriptor, local: { uncompressedSize: 5 } };
    expect(await refusal(craftZip([entry]))).toContain('uncompressed size is 5, the central');
  });

  test('bit 3 without a data descriptor', async () => {
    expect(await refusal(craftZip([{ ...A, flags: FLAG_DATA_DESCRIPTOR }]))).toContain(
      'Entry "a.jpg": its record at offset 0 takes 70 bytes or more, but overlaps the central directory',
    );
  });
});

function unicodePath(rawName: string, name: string): Buffer {
  const data = Buffer.alloc(5);
  data[0] = 1;
  data.writeUInt32LE(crc32(rawName), 1);
  return craftExtra(0x7075, Buffer.concat([data, Buffer.from(name)]));
}
