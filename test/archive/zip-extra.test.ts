import { describe, expect, test } from 'vitest';
import {
  type CraftedEntry,
  craftExtra,
  craftZip,
  craftZip64Extra,
} from '../support/zip-crafting.ts';
import { readWhole, refusal } from '../support/zip-fixtures.ts';

const DATA = Buffer.from('some bytes of a picture');
const A: CraftedEntry = { name: 'a.jpg', data: DATA };
const B: CraftedEntry = { name: 'b.jpg', data: DATA };

describe('Zip64 extra fields of the central directory', () => {
  const size = DATA.length;
  const marked = { compressedSize: 0xffffffff, uncompressedSize: 0xffffffff };

  test.each<[string, CraftedEntry['central']]>([
    ['both sizes', { ...marked, extra: craftZip64Extra(size, size) }],
    ['all, marked', { ...marked, offset: 0xffffffff, extra: craftZip64Extra(size, size, 0) }],
    ['only the offset', { offset: 0xffffffff, extra: craftZip64Extra(0) }],
    ['values that are not marked, but equal', { extra: craftZip64Extra(size, size, 0) }],
    [
      'the disk as well',
      {
        ...marked,
        extra: craftExtra(
          1,
          Buffer.concat([craftZip64Extra(size, size), Buffer.alloc(4)]).subarray(4),
        ),
      },
    ],
  ])('%s: accepted', async (_, central) => {
    expect(await readWhole(craftZip([{ ...A, central: { ...central } }]))).toMatchObject([
      { compressedSize: size, uncompressedSize: size, extra: Buffer.alloc(0) },
    ]);
  });

  test('an offset of 0 that is not marked, as macOS writes it', async () => {
    const central = { ...marked, extra: craftZip64Extra(size, size, 0) };
    expect(await readWhole(craftZip([A, { ...B, central }]))).toHaveLength(2);
  });

  test.each<[string, CraftedEntry['central'], string]>([
    ['missing', marked, 'refers to a Zip64 extra field, but there is none'],
    ['of an odd length', { extra: craftExtra(1, Buffer.alloc(9)) }, 'has 9 bytes, expected 0'],
    [
      'doubled',
      { ...marked, extra: Buffer.concat([craftZip64Extra(size, size), craftZip64Extra(1, 1)]) },
      'there are 2 Zip64 extra fields',
    ],
    [
      'of two meanings',
      { compressedSize: 0xffffffff, extra: craftZip64Extra(size, 7) },
      'says 7 where the header says 23',
    ],
    [
      'with other values',
      { extra: craftZip64Extra(size, size, 5) },
      'says 5 where the header says 0',
    ],
    [
      'on another disk',
      { offset: 0xffffffff, extra: craftExtra(1, Buffer.alloc(12, 1)) },
      'is beyond 2^53',
    ],
    [
      'with a size beyond 2^53',
      { ...marked, extra: craftZip64Extra(2 ** 60, size) },
      '1152921504606846976 is beyond 2^53',
    ],
  ])('%s: refused', async (_, central, message) => {
    const reason = await refusal(craftZip([{ ...A, central: { ...central } }]));
    expect(reason).toContain('Entry "a.jpg": in the central directory, ');
    expect(reason).toContain(message);
  });

  test('too short: refused', async () => {
    const central = { ...marked, extra: craftZip64Extra(size) };
    expect(await refusal(craftZip([{ ...A, central }]))).toBe(
      'Central directory, header 1 of 1 at offset 58 for entry "a.jpg": ' +
        'zip64 extended information extra field does not include compressed size',
    );
  });

  test('an extra field that reaches past its block', async () => {
    const extra = Buffer.from([0xfe, 0xca, 0x10, 0x00, 0x01]);
    expect(await refusal(craftZip([{ ...A, central: { extra } }]))).toContain(
      'header 1 of 1 at offset 58 for entry "a.jpg": extra field length exceeds extra field buffer size',
    );
  });
});
