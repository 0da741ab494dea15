import { describe, expect, test } from 'vitest';
import {
  CRAFTED_MTIME,
  paxRecord,
  tar,
  tarEnd,
  tarFile,
  tarLongName,
  tarPax,
} from '../support/tar-crafting.ts';
import { inChunks, readTar, tarRefusal } from '../support/tar-fixtures.ts';

const FILE = tarFile({ name: 'header.jpg', content: 'abc' });
const NEXT = tarFile({ name: 'next.jpg', content: 'abc' });

async function filesOf(...blocks: Buffer[]) {
  const files = await readTar(inChunks(tar(blocks)));
  return files.map(({ name, size, mtime }) => ({ name, size, mtime }));
}
async function namesOf(...blocks: Buffer[]): Promise<string[]> {
  return (await filesOf(...blocks)).map(({ name }) => name);
}

describe('a pax header', () => {
  test('gives name, size and time to the one file behind it', async () => {
    const file = tarFile({ name: 'header.jpg', size: 0, content: 'abcdef' });
    const records = { path: 'Blüte/雪.jpg', size: '6', mtime: '1600000000.999999999999999999' };
    expect(await filesOf(tarPax(records), file, NEXT)).toEqual([
      { name: 'Blüte/雪.jpg', size: 6, mtime: 1_600_000_000 },
      { name: 'next.jpg', size: 3, mtime: CRAFTED_MTIME },
    ]);
  });

  test.each([
    ['0', 0],
    ['-0', 0],
    ['1700000000.', 1_700_000_000],
    ['-100', -100],
    ['-100.0', -100],
    ['-100.25', -101],
    ['-0.25', -1],
  ])('time %s is rounded down', async (mtime, expected) => {
    expect(await filesOf(tarPax({ mtime }), FILE)).toEqual([
      { name: 'header.jpg', size: 3, mtime: expected },
    ]);
  });

  test('may hold other records, of any bytes', async () => {
    const records = {
      comment: 'two\nlines 12 path=x\n',
      'SCHILY.xattr.user.x': Buffer.from([0xff, 0, 0x0a, 0x3d]),
      __proto__: 'x',
      path: 'pax=1.jpg',
    };
    expect(await namesOf(tarPax(records), FILE)).toEqual(['pax=1.jpg']);
  });

  test('may hold nothing', async () => {
    expect(await namesOf(tarPax({}), FILE)).toEqual(['header.jpg']);
  });

  test('of two records with one keyword the later counts', async () => {
    const records = Buffer.concat([paxRecord('path', 'a.jpg'), paxRecord('path', 'b.jpg')]);
    expect(await namesOf(tarPax(records), FILE)).toEqual(['b.jpg']);
  });

  test('of two headers the later counts, and nothing of the other, as GNU tar has it', async () => {
    const headers = [tarPax({ path: 'a.jpg', mtime: '5' }), tarPax({ path: 'b.jpg' })];
    expect(await filesOf(...headers, FILE)).toEqual([
      { name: 'b.jpg', size: 3, mtime: CRAFTED_MTIME },
    ]);
  });

  test("counts before GNU's long name, in any order", async () => {
    const pax = tarPax({ path: 'pax.jpg' });
    expect(await namesOf(pax, tarLongName('long.jpg'), FILE)).toEqual(['pax.jpg']);
    expect(await namesOf(tarLongName('long.jpg'), pax, FILE)).toEqual(['pax.jpg']);
  });

  test("of Solaris, type X, is one like any: its tar had it before POSIX's", async () => {
    expect(await namesOf(tarPax({ path: 'solaris.jpg' }, 'X'), FILE)).toEqual(['solaris.jpg']);
  });

  test.each([
    ['without saying so, as GNU tar does', {}],
    ['and says so', { hdrcharset: 'BINARY' }],
  ])('has a name that is not UTF-8 %s', async (_, records) => {
    const path = Buffer.from('Bl\xfcte.jpg', 'latin1');
    expect(await namesOf(tarPax({ ...records, path }), FILE)).toEqual(['Bl\udcfcte.jpg']);
  });

  test.each([
    ['a length that is none', 'x path=a\n', 'has no length'],
    ['no length', ' path=a\n', 'has no length'],
    ['a negative length', '-9 path=a\n', 'has no length'],
    ['a length of 0', '0 path=a\n', 'has no line feed at the end of its 0 bytes'],
    ['a length that is too small', '8 path=a\n', 'has no line feed at the end of its 8 bytes'],
    ['a length that is too large', '11 path=a\n', 'has no line feed at the end of its 11 bytes'],
    ['a length of many digits', '000000009 path=a\n', 'has no length'],
    ['no line feed', '9 path=ab', 'has no line feed at the end of its 9 bytes'],
    ['no keyword', '5 =a\n', 'has no keyword'],
    ['no equals sign', '7 path\n', 'has no keyword'],
    ['NULs behind the last one', '9 path=a\n\0\0', 'has no length', 9],
    ['a second one that is broken', '9 path=a\n9 path=a', 'has no line feed', 9],
  ])('with %s is refused', async (_, records, flaw, at = 0) => {
    expect(await tarRefusal(tar([FILE, tarPax(Buffer.from(records)), FILE]))).toContain(
      `The pax header record at offset ${1536 + at} ${flaw}`,
    );
  });

  test('with a keyword that is not UTF-8 is refused', async () => {
    const record = Buffer.from('9 p\xfcth=a\n', 'latin1');
    expect(await tarRefusal(tar([tarPax(record), FILE]))).toBe(
      'The pax header record at offset 512 has a keyword that is not UTF-8',
    );
  });

  test.each([
    ['size', ''],
    ['size', '-1'],
    ['size', '3.0'],
    ['size', '0x3'],
    ['size', '9007199254740992'],
    ['mtime', 'now'],
    ['mtime', '1e9'],
    ['mtime', '+1'],
    ['mtime', '9007199254740992'],
  ])('with the %s "%s" is refused', async (keyword, value) => {
    expect(await tarRefusal(tar([tarPax({ path: 'a.jpg', [keyword]: value }), FILE]))).toBe(
      `Entry "a.jpg": its pax header has the ${keyword} "${value}", expected a decimal number below 2^53`,
    );
  });

  test.each([
    ['../a.jpg', 'climbs with ".."'],
    ['a\0.jpg', 'holds a NUL'],
    ['', 'is empty'],
  ])('with the name %j is refused', async (path, flaw) => {
    expect(await tarRefusal(tar([tarPax({ path }), FILE]))).toContain(flaw);
  });

  test.each(['GNU.sparse.major', 'GNU.sparse.size', 'SUN.holesdata', 'SCHILY.realsize'])(
    'with %s tells of a sparse file',
    async (keyword) => {
      expect(await tarRefusal(tar([tarPax({ [keyword]: '1' }), FILE]))).toBe(
        'Entry "header.jpg": is a sparse file',
      );
    },
  );
});

describe('a pax global header', () => {
  test('gives a time to all files that follow, but those that say their own', async () => {
    const files = await filesOf(
      FILE,
      tarPax({ mtime: '1000.5', comment: 'x' }, 'g'),
      FILE,
      tarPax({ comment: 'y' }, 'g'),
      tarPax({ mtime: '7' }),
      FILE,
      tarPax({ mtime: '' }),
      FILE,
      FILE,
      tarPax({ mtime: '2000' }, 'g'),
      FILE,
    );
    expect(files.map(({ mtime }) => mtime)).toEqual([
      CRAFTED_MTIME,
      1000,
      7,
      CRAFTED_MTIME,
      1000,
      2000,
    ]);
  });

  test('may stand between a pax header and its file', async () => {
    const blocks = [tarPax({ path: 'a.jpg' }), tarPax({ mtime: '5' }, 'g'), FILE];
    expect(await filesOf(...blocks)).toEqual([{ name: 'a.jpg', size: 3, mtime: 5 }]);
  });

  test('may be all that there is', async () => {
    expect(await filesOf(tarPax({ comment: 'no files' }, 'g'))).toEqual([]);
  });

  test.each(['path', 'size', 'linkpath', 'GNU.sparse.name'])(
    'with a %s is refused: readers differ on whether it counts',
    async (keyword) => {
      expect(await tarRefusal(tar([FILE, tarPax({ [keyword]: '1' }, 'g'), FILE]))).toBe(
        `The pax header at offset 1024 gives one ${keyword} to all files that follow`,
      );
    },
  );
});

describe("GNU's long names", () => {
  test('are those of the one file behind them', async () => {
    const name = `${'f'.repeat(300)}/Blüte.jpg`;
    expect(await namesOf(tarLongName(name), FILE, NEXT)).toEqual([name, 'next.jpg']);
  });

  test('are those of a directory', async () => {
    const folder = tarFile({ name: 'x', type: '5' });
    expect(await tarRefusal(tar([tarLongName('../folder/'), folder]))).toContain('"../folder/"');
  });

  test('are refused where they are unsafe or empty', async () => {
    expect(await tarRefusal(tar([tarLongName('/etc/passwd'), FILE]))).toContain('absolute');
    expect(await tarRefusal(tar([tarLongName(''), FILE]))).toContain('the name is empty');
  });

  test('of two the later counts', async () => {
    expect(await namesOf(tarLongName('a.jpg'), tarLongName('b.jpg'), FILE)).toEqual(['b.jpg']);
  });

  test('of a link may stand before a file', async () => {
    expect(await namesOf(tarLongName('target', 'K'), FILE)).toEqual(['header.jpg']);
  });
});

describe.each([
  ['a pax header', tarPax({ path: 'a.jpg' })],
  ['an empty pax header', tarPax({})],
  ['a long name', tarLongName('a.jpg')],
  ['a long link name', tarLongName('a.jpg', 'K')],
])('%s', (_, header) => {
  test('has an entry behind it', async () => {
    expect(await tarRefusal(tar([FILE, header]))).toBe(
      `The TAR ends at offset ${1024 + header.length} behind an extended header, without the entry that it tells of`,
    );
    expect(await tarRefusal(tar([FILE, header, tarPax({}, 'g')]))).toContain('extended header');
  });

  test('has at most 1 MiB', async () => {
    const most = Buffer.alloc(1024 * 1024, 'x');
    const larger = tarFile({
      name: 'x',
      type: header.toString('latin1', 156, 157),
      size: 2 ** 20 + 1,
    });
    expect(await tarRefusal(Buffer.concat([FILE, larger, most, tarEnd()]))).toBe(
      'The extended header at offset 1024 has 1048577 bytes, the limit is 1048576',
    );
  });
});

test('a pax header of 1 MiB is read', async () => {
  const comment = 'x'.repeat(1024 * 1024 - 'NNNNNNN comment=\n'.length);
  const pax = tarPax({ comment });
  expect(pax).toHaveLength(512 + 1024 * 1024);
  expect(await namesOf(pax, FILE)).toEqual(['header.jpg']);
});
