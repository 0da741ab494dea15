import { describe, expect, test } from 'vitest';
import { type CraftedEntry, craftZip } from '../support/zip-crafting.ts';
import { HAS_INFO_ZIP, infoZip, LIMITS, readWhole, refusal } from '../support/zip-fixtures.ts';

const DATA = Buffer.from('some bytes of a picture');
const A: CraftedEntry = { name: 'a.jpg', data: DATA };
const B: CraftedEntry = { name: 'b.jpg', data: DATA };

describe('entries of a kind that is not supported', () => {
  const of = (mode: number) => ({ central: { externalAttributes: (mode << 16) >>> 0 } });
  test.each<[string, CraftedEntry, string]>([
    ['encrypted', { ...A, flags: 1 }, 'is encrypted'],
    ['with masked headers', { ...A, flags: 1 << 13 }, 'is encrypted'],
    ['a patch', { ...A, flags: 1 << 5 }, 'is a patch to another file'],
    ['bzip2', { ...A, method: 12 }, 'compression method 12 is not supported, only 0 and 8'],
    ['AES', { ...A, method: 99 }, 'compression method 99 is not supported'],
    [
      'stored, but of two sizes',
      { ...A, central: { uncompressedSize: 5 } },
      'is stored, but has 23 bytes compressed and 5 uncompressed',
    ],
    ['deflated to nothing', { ...A, method: 8, payload: Buffer.alloc(0) }, 'is deflated, but to 0'],
    [
      'on another disk',
      { ...A, central: { disk: 3 } },
      'begins on disk 3 of an archive of several',
    ],
    ['a symbolic link', { ...A, ...of(0o120777) }, 'is a symbolic link'],
    ['a device', { ...A, ...of(0o020644) }, 'is not a regular file, its Unix mode is 020644'],
  ])('%s', async (_, entry, message) => {
    expect(await refusal(craftZip([entry]))).toContain(`Entry "a.jpg": ${message}`);
  });

  test('strongly encrypted', async () => {
    expect(await refusal(craftZip([{ ...A, flags: 1 << 6 }]))).toMatch(
      /for entry "a.jpg": strong encryption is not supported/,
    );
  });

  test('a directory with data', async () => {
    expect(await refusal(craftZip([{ ...A, name: 'a/' }]))).toContain(
      'Entry "a/": is a directory, but has 23 bytes',
    );
  });

  test.runIf(HAS_INFO_ZIP)('encrypted by Info-ZIP', async () => {
    const archive = infoZip({ 'a.jpg': DATA }, ['-P', 'secret', 'a.zip', 'a.jpg']);
    expect(await refusal(archive)).toBe('Entry "a.jpg": is encrypted');
  });

  test.each([0o100644, 0o040755])('a Unix mode of %i is accepted', async (mode) => {
    expect(await readWhole(craftZip([{ ...A, ...of(mode) }]))).toHaveLength(1);
  });
});

describe('limits', () => {
  const zeros = { name: 'zeros', data: Buffer.alloc(2_000_000), method: 8 };
  test.each<[string, Partial<typeof LIMITS>, RegExp]>([
    ['entries', { maxEntries: 2 }, /has 3 entries, the limit is 2 \(MAX_ENTRIES\)/],
    [
      'bytes of one entry',
      { maxEntryBytes: 1_999_999 },
      /^Entry "zeros": has 2000000 bytes, the limit is 1999999 \(MAX_ENTRY_BYTES\)/,
    ],
    [
      'bytes of all',
      { maxTotalBytes: 2_000_045 },
      /have 2000046 bytes or more together, the limit is 2000045 \(MAX_TOTAL_BYTES\)/,
    ],
    [
      'ratio',
      { maxRatio: 50 },
      /^Entry "zeros": inflates from \d+ to 2000000 bytes, the limit is 50 times \(MAX_RATIO\)/,
    ],
  ])('%s', async (_, limit, message) => {
    const archive = craftZip([A, B, zeros]);
    const generous = { ...LIMITS, maxRatio: 2000 };
    expect(await refusal(archive, { ...generous, ...limit })).toMatch(message);
    expect(await readWhole(archive, { limits: generous })).toHaveLength(3);
  });

  test('a ratio over the limit is nothing below 1 MiB', async () => {
    const small = { ...zeros, data: Buffer.alloc(1024 * 1024) };
    expect(await readWhole(craftZip([small]), { limits: { ...LIMITS, maxRatio: 2 } })).toHaveLength(
      1,
    );
  });

  test('a central directory too large for its entries is refused before it is read', async () => {
    const long = { ...A, central: { comment: Buffer.alloc(65_000) } };
    const archive = craftZip(Array.from({ length: 20 }, () => long));
    expect(await refusal(archive, { ...LIMITS, maxEntries: 20 })).toBe(
      'The central directory has 1301020 bytes, the limit is 1048576: 512 for each of 20 entries (MAX_ENTRIES)',
    );
  });
});
