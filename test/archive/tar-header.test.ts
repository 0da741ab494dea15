import { describe, expect, test } from 'vitest';
import { readTarHeader } from '../../src/archive/tar-header.ts';
import {
  base256,
  type CraftedTarFile,
  GNU_MAGIC,
  NO_MAGIC,
  tar,
  tarFile,
} from '../support/tar-crafting.ts';
import { inChunks, readTar, tarRefusal } from '../support/tar-fixtures.ts';

const header = (file: Partial<CraftedTarFile>) =>
  readTarHeader(tarFile({ name: 'a.jpg', ...file }).subarray(0, 512), 0);

async function namesOf(...files: (CraftedTarFile | Buffer)[]): Promise<string[]> {
  return (await readTar(inChunks(tar(files)))).map(({ name }) => name);
}

describe('numbers', () => {
  test.each<[string, string | Buffer, number]>([
    ['octal, ended by NUL', '00000001234\0', 0o1234],
    ['octal, ended by a space', '00000001234 ', 0o1234],
    ['octal, after spaces, as v7 has it', '       1234 ', 0o1234],
    ['octal, after a NUL', '\x001234 \0', 0o1234],
    ['octal in all twelve bytes', '777777777777', 8 ** 12 - 1],
    ['nothing', '', 0],
    ['spaces only', '            ', 0],
    ['base 256', base256(9n * 2n ** 30n), 9 * 2 ** 30],
    ['base 256 up to 2^53 - 1', base256(2n ** 53n - 1n), Number.MAX_SAFE_INTEGER],
  ])('%s', (_, size, expected) => {
    expect(header({ size }).size).toBe(expected);
    expect(header({ mtime: size }).mtime).toBe(expected);
  });

  test('a time before 1970, in base 256', () => {
    expect(header({ mtime: base256(-101n) }).mtime).toBe(-101);
    expect(header({ mtime: base256(1n - 2n ** 53n) }).mtime).toBe(Number.MIN_SAFE_INTEGER);
  });

  test.each<[string, string | Buffer, string]>([
    ['a digit that is not octal', '00000000008\0', '"00000000008\\u0000"'],
    ['a sign', '-0000000001\0', '"-0000000001\\u0000"'],
    ['a letter', '0000000000x\0', '"0000000000x\\u0000"'],
    ['something behind the end of the digits', '000012\x0034567', '"000012\\u000034567"'],
    ['2^53 in base 256', base256(2n ** 53n), '0x800000000020000000000000'],
    ['another mark than base 256 has', Buffer.alloc(12, 0xc0), `0x${'c0'.repeat(12)}`],
  ])('%s is none', (_, field, shown) => {
    const where = 'Entry "a.jpg": its header at offset 0 has the';
    expect(() => header({ size: field })).toThrow(
      `${where} size ${shown}, expected a number from 0 to 2^53 in octal or base 256`,
    );
    expect(() => header({ mtime: field })).toThrow(
      `${where} mtime ${shown}, expected a number from -2^53 to 2^53 in octal or base 256`,
    );
  });

  test('a negative size is none', () => {
    expect(() => header({ size: base256(-1n) })).toThrow(`has the size 0x${'ff'.repeat(12)}`);
  });
});

describe('the checksum', () => {
  const latin1 = Buffer.from('Bl\xfcte.jpg', 'latin1');
  const sum = tarFile({ name: latin1 })
    .fill(' ', 148, 156)
    .subarray(0, 512)
    .reduce((total, byte) => total + byte, 0);

  test.each([
    ['of unsigned bytes', sum],
    ['of signed bytes, as old programs have it', sum - 256],
    ['without leading zeros', `${sum.toString(8)}\0 `],
    ['after spaces', `  ${sum.toString(8)}\0`],
  ])('%s', async (_, checksum) => {
    expect(await namesOf({ name: latin1, checksum })).toEqual(['Bl\udcfcte.jpg']);
  });

  test.each([
    ['another', sum + 1],
    ['none', ''],
    ['not a number', 'checksum'],
    ['followed by something', `${sum.toString(8).padStart(6, '0')}\0x`],
  ])('%s is refused', async (_, checksum) => {
    expect(await tarRefusal(tar([{ name: 'a.jpg' }, { name: latin1, checksum }]))).toBe(
      'The TAR is broken: there is no header at offset 512, behind entry "a.jpg", or its checksum does not fit',
    );
  });

  test('a first block that is no header', async () => {
    expect(await tarRefusal(Buffer.alloc(2000, 'x'))).toBe(
      'Not a TAR: there is no header at offset 0, or its checksum does not fit',
    );
  });
});

describe('the name', () => {
  const name = 'n'.repeat(100);

  test('takes up to all its bytes, and a prefix in a header of POSIX', async () => {
    expect(await namesOf({ name })).toEqual([name]);
    expect(await namesOf({ name, prefix: 'p'.repeat(155) })).toEqual([
      `${'p'.repeat(155)}/${name}`,
    ]);
  });

  test("has no prefix in GNU's older headers, where other things are, nor before POSIX", async () => {
    expect(await namesOf({ name, prefix: '14524770400', magic: GNU_MAGIC })).toEqual([name]);
    expect(await namesOf({ name, prefix: 'rest', magic: NO_MAGIC })).toEqual([name]);
  });

  test('ends at a NUL, whatever is behind it', async () => {
    expect(await namesOf({ name: 'a.jpg\0left over', prefix: 'folder\0left over' })).toEqual([
      'folder/a.jpg',
    ]);
  });

  test.each<[string, Buffer, string]>([
    ['UTF-8', Buffer.from('Blüte 雪 😀.jpg'), 'Blüte 雪 😀.jpg'],
    ['a byte order mark', Buffer.from('\ufeffa'), '\ufeffa'],
    ['Latin-1', Buffer.from('Bl\xfcte\xe9', 'latin1'), 'Bl\udcfcte\udce9'],
    ['UTF-8 beside Latin-1', Buffer.from('ü\xfc', 'latin1'), '\udcfc\udcfc'],
    [
      'a character cut off',
      Buffer.concat([Buffer.from('ü'), Buffer.from('雪').subarray(0, 2)]),
      'ü\udce9\udc9b',
    ],
    ['a surrogate in UTF-8', Buffer.from('edb3bc', 'hex'), '\udced\udcb3\udcbc'],
  ])('in %s', async (_, bytes, text) => {
    expect(await namesOf({ name: bytes })).toEqual([text]);
  });
});

describe('what an entry is', () => {
  test.each(['0', '\0', '7'])('type %j is a regular file', async (type) => {
    expect(await namesOf({ name: 'a.jpg', type, content: 'abc' })).toEqual(['a.jpg']);
  });

  test('directories are passed over, those of before POSIX too', async () => {
    expect(
      await namesOf(
        { name: './', type: '5' },
        { name: 'folder', type: '5' },
        { name: 'old/', type: '0' },
        { name: 'older/', type: '\0', magic: NO_MAGIC },
        { name: 'folder/a.jpg', content: 'abc' },
      ),
    ).toEqual(['folder/a.jpg']);
  });

  test('a directory may say how much space it gets: no data follows', async () => {
    expect(await namesOf({ name: 'folder/', type: '5', size: 1024 }, { name: 'a.jpg' })).toEqual([
      'a.jpg',
    ]);
  });

  test('a directory of before POSIX has no data: readers differ on whether it follows', async () => {
    expect(await tarRefusal(tar([{ name: 'old/', content: 'abc' }]))).toBe(
      'Entry "old/": is a directory, but has 3 bytes',
    );
  });

  test('a volume label is passed over, whatever it says', async () => {
    expect(await namesOf({ name: '../Tape 1', type: 'V' }, { name: 'a.jpg' })).toEqual(['a.jpg']);
  });

  test.each([
    ['1', 'is a hard link to "../x"'],
    ['2', 'is a symbolic link to "../x"'],
    ['3', 'is a character device'],
    ['4', 'is a block device'],
    ['6', 'is a FIFO'],
    ['D', 'is a directory of an incremental GNU backup'],
    ['M', 'is the rest of a file of another volume'],
    ['S', 'is a sparse file'],
    ['A', 'is of the unknown TAR type "A"'],
    ['N', 'is of the unknown TAR type "N"'],
    ['\n', 'is of the unknown TAR type "\\n"'],
  ])('type %j is refused', async (type, reason) => {
    const linkName = type < '3' ? '../x' : '';
    expect(await tarRefusal(tar([{ name: 'a.jpg' }, { name: 'b', type, linkName }]))).toBe(
      `Entry "b": ${reason}`,
    );
  });

  test.each([
    ['../a.jpg', 'the name climbs with ".."'],
    ['/a.jpg', 'the name is an absolute path'],
    ['C:a.jpg', 'the name starts with a drive letter'],
    ['a\\b.jpg', 'the name holds a backslash'],
    ['a\n.jpg', 'the name holds a control character'],
    ['', 'the name is empty'],
  ])('the name %j is refused, of files and directories', async (name, reason) => {
    for (const type of ['0', '5']) {
      expect(await tarRefusal(tar([{ name, type }]))).toBe(
        `Entry ${JSON.stringify(name)}: ${reason}`,
      );
    }
  });

  test('a name that a prefix makes unsafe is refused', async () => {
    expect(await tarRefusal(tar([{ name: 'a.jpg', prefix: '..' }]))).toContain('climbs');
  });
});
