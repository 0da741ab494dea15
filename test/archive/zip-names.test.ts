import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { assertSafeName, decodeName, quoteName } from '../../src/archive/entry-names.ts';
import { ArchiveError } from '../../src/archive/errors.ts';
import { FLAG_UTF8 } from '../../src/archive/zip-entry.ts';
import { craftZip } from '../support/zip-crafting.ts';
import { readWhole, refusal } from '../support/zip-fixtures.ts';

describe('safe names', () => {
  test.each([
    'a.jpg',
    './a.jpg',
    'folder/a.jpg',
    'folder/',
    '...',
    '..a/b..',
    'a..b.jpg',
    'Blüte 雪.jpg',
    'x'.repeat(65_535),
  ])('%s is accepted', (name) => {
    assertSafeName(name);
  });

  test.each([
    ['', 'the name is empty'],
    ['a\0.jpg', 'the name holds a NUL character'],
    ['a\n.jpg', 'the name holds a control character'],
    ['a\u007f.jpg', 'the name holds a control character'],
    ['a\u0085.jpg', 'the name holds a control character'],
    ['a\\b.jpg', 'the name holds a backslash'],
    ['/etc/passwd', 'the name is an absolute path'],
    ['C:a.jpg', 'the name starts with a drive letter'],
    ['z:/a.jpg', 'the name starts with a drive letter'],
    ['..', 'the name climbs with ".."'],
    ['../a.jpg', 'the name climbs with ".."'],
    ['a/../../b.jpg', 'the name climbs with ".."'],
    ['./..', 'the name climbs with ".."'],
    ['ü'.repeat(32_768), 'the name has 65536 bytes, the limit is 65535'],
  ])('%j is refused', (name, reason) => {
    expect(() => assertSafeName(name)).toThrow(
      new ArchiveError(`Entry ${quoteName(name)}: ${reason}`),
    );
  });

  test.each(['', 'a\0', 'a\\b', '/a', 'C:/a', '../a', 'a\r'])(
    'an archive with an entry %j is refused',
    async (name) => {
      expect(await refusal(craftZip([{ name: 'good' }, { name }]))).toMatch(/the name /);
    },
  );

  test('an archive whose entry has a leading ./ is read', async () => {
    const [entry] = await readWhole(craftZip([{ name: './a.jpg' }]));
    expect(entry).toMatchObject({ name: './a.jpg', rawName: Buffer.from('./a.jpg') });
  });
});

describe('the text of a name', () => {
  const utf8 = Buffer.from('Blüte.jpg');
  const cp437 = Buffer.from('Bl\x81te.jpg', 'latin1');
  const unicodePath = (rawName: Buffer, name: string | Buffer, version = 1) => {
    const head = Buffer.alloc(5);
    head[0] = version;
    head.writeUInt32LE(crc32(rawName), 1);
    return { id: 0x7075, data: Buffer.concat([head, Buffer.from(name)]) };
  };

  test.each([
    ['UTF-8, and bit 11 says so', utf8, FLAG_UTF8],
    ['UTF-8, though bit 11 is not set', utf8, 0],
    ['code page 437', cp437, 0],
  ])('%s', (_, rawName, flags) => {
    expect(decodeName(rawName, flags, [])).toBe('Blüte.jpg');
  });

  test('a byte order mark stays: it is part of the name', () => {
    expect(decodeName(Buffer.from('\ufeffa'), FLAG_UTF8, [])).toBe('\ufeffa');
  });

  test("Info-ZIP's Unicode Path counts where its checksum fits the name", () => {
    const rawName = Buffer.from('Bl_te.jpg');
    expect(decodeName(rawName, 0, [unicodePath(rawName, 'Blüte.jpg')])).toBe('Blüte.jpg');
    expect(decodeName(rawName, 0, [unicodePath(utf8, 'Blüte.jpg')])).toBe('Bl_te.jpg');
    expect(decodeName(rawName, 0, [unicodePath(rawName, 'Blüte.jpg', 2)])).toBe('Bl_te.jpg');
  });

  test.each<[string, () => string, string]>([
    [
      'bit 11 on bytes that are not UTF-8',
      () => decodeName(cp437, FLAG_UTF8, []),
      'bit 11 says that the name is UTF-8, but it is not',
    ],
    [
      'bit 11 and another Unicode Path',
      () => decodeName(utf8, FLAG_UTF8, [unicodePath(utf8, 'x.jpg')]),
      'its Unicode Path field names another file, "x.jpg"',
    ],
    [
      'a Unicode Path that is not UTF-8',
      () => decodeName(utf8, 0, [unicodePath(utf8, cp437)]),
      'bit 11 says that the name is UTF-8, but it is not',
    ],
    [
      'a Unicode Path over an unsafe name',
      () => decodeName(Buffer.from('../x'), 0, [unicodePath(Buffer.from('../x'), 'x')]),
      'the name climbs with ".."',
    ],
    [
      'control characters, which code page 437 draws as symbols',
      () => decodeName(Buffer.from('\x01\x81', 'latin1'), 0, []),
      'the name holds a control character',
    ],
  ])('refused: %s', (_, decode, message) => {
    expect(decode).toThrow(message);
    expect(decode).toThrow(ArchiveError);
  });

  test('a message shows control characters escaped, and long names cut', () => {
    expect(quoteName('a\n"')).toBe('"a\\n\\""');
    expect(quoteName('x'.repeat(300))).toBe(`"${'x'.repeat(200)}"…`);
  });
});
