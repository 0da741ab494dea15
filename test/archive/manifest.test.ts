import { describe, expect, it } from 'vitest';
import { LimitError, ManifestError } from '../../src/archive/errors.ts';
import {
  lineOfRow,
  type ManifestOptions,
  manifestSlice,
  parseManifest,
} from '../../src/archive/manifest.ts';

const OPTIONS: ManifestOptions = { name: 'm.csv', imageColumn: 'imageName', maxRowBytes: 1000 };

function parse(text: string | Buffer, options: Partial<ManifestOptions> = {}) {
  return parseManifest(Buffer.from(text as string), { ...OPTIONS, ...options });
}

/** The rows' texts and images. */
function rowsOf(text: string) {
  const manifest = parse(text);
  return manifest.rows.map(({ start, end, image }) => [
    manifest.bytes.toString('utf8', start, end),
    image,
  ]);
}

function failure(text: string | Buffer, options: Partial<ManifestOptions> = {}): Error {
  try {
    parse(text, options);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('Expected an error, got a manifest');
}

describe('rows', () => {
  it('keep their bytes, line breaks of both kinds, and a last row needs none', () => {
    expect(rowsOf('id,imageName\r\n1,a.jpg\n2,b.jpg\r\n3,c.jpg')).toEqual([
      ['1,a.jpg\n', 'a.jpg'],
      ['2,b.jpg\r\n', 'b.jpg'],
      ['3,c.jpg', 'c.jpg'],
    ]);
  });

  it('go over several lines where a quoted field does', () => {
    expect(rowsOf('id,imageName\n"1\n\n\r\nx",a.jpg\n2,"b ""1"", c.jpg"\n')).toEqual([
      ['"1\n\n\r\nx",a.jpg\n', 'a.jpg'],
      ['2,"b ""1"", c.jpg"\n', 'b "1", c.jpg'],
    ]);
  });

  it('are no blank lines, wherever those stand', () => {
    const text = 'id,imageName\n\n\r\n1,a.jpg\n\n2,b.jpg\r\n\r\n\n';
    const rows = [
      ['1,a.jpg\n', 'a.jpg'],
      ['2,b.jpg\r\n', 'b.jpg'],
    ];
    expect(rowsOf(text)).toEqual(rows);
    expect(rowsOf(text.replace('1,', '"\\"x",'))).toEqual([['"\\"x",a.jpg\n', 'a.jpg'], rows[1]]);
  });

  it('may end in an empty field at the end of the file', () => {
    expect(rowsOf('imageName,note\na.jpg,')).toEqual([['a.jpg,', 'a.jpg']]);
    expect(rowsOf('imageName,note\na.jpg,"\\"x"\nb.jpg,')).toHaveLength(2);
  });

  it('are found in a manifest of one column', () => {
    expect(rowsOf('imageName\na.jpg\n"b ,.jpg"\n')).toEqual([
      ['a.jpg\n', 'a.jpg'],
      ['"b ,.jpg"\n', 'b ,.jpg'],
    ]);
  });

  it('know the line that they begin on, quoted newlines counted', () => {
    const manifest = parse('id,imageName\n"1\n2",a.jpg\n\n3,b.jpg\n');
    expect(manifest.rows.map((row) => lineOfRow(manifest, row))).toEqual([2, 5]);
  });
});

describe('backslashes', () => {
  it('leave the quote behind them undoubled, as PHP writes it', () => {
    expect(rowsOf('imageName,c\na.jpg,"Coll. \\"Smith\\" FL"\nb.jpg,x\n')).toEqual([
      ['a.jpg,"Coll. \\"Smith\\" FL"\n', 'a.jpg'],
      ['b.jpg,x\n', 'b.jpg'],
    ]);
  });

  it('end a field with the quote behind them where only that fits', () => {
    expect(rowsOf('imageName,c,d\na.jpg,"C:\\","x y"\nb.jpg,"D:\\",""\n')).toHaveLength(2);
    expect(rowsOf('c,imageName\n"C:\\",a.jpg\n"D:\\",b.jpg\n')).toHaveLength(2);
    expect(rowsOf('imageName,c\na.jpg,"C:\\"\nb.jpg,"D:\\"')).toHaveLength(2);
  });

  it('do both in one row', () => {
    const row = 'a.jpg,"C:\\","said \\"so\\", twice"\n';
    expect(rowsOf(`imageName,c,d\n${row}b.jpg,,\n`)).toEqual([
      [row, 'a.jpg'],
      ['b.jpg,,\n', 'b.jpg'],
    ]);
  });

  it('neither merge rows nor split them at a quoted line break', () => {
    expect(rowsOf('imageName,c\na.jpg,"one \\"1\\"\ntwo"\nb.jpg,"C:\\"\n"c.jpg",x\n')).toEqual([
      ['a.jpg,"one \\"1\\"\ntwo"\n', 'a.jpg'],
      ['b.jpg,"C:\\"\n', 'b.jpg'],
      ['"c.jpg",x\n', 'c.jpg'],
    ]);
  });

  it('stay in an image name, as PHP reads it', () => {
    expect(rowsOf('c,imageName\n1,"a \\"b\\".jpg"\n')[0]?.[1]).toBe('a \\"b\\".jpg');
    expect(rowsOf('c,imageName\n1,"a \\""b.jpg"\n')[0]?.[1]).toBe('a \\"b.jpg');
    expect(rowsOf('c,imageName\n1,"a\\"\n')[0]?.[1]).toBe('a\\');
  });

  it('that leave no reading fail by line, and say why', () => {
    const broken = failure('imageName,c\na.jpg,"\\"x\\""\nb.jpg,"\\"x\\"",3\n');
    expect(broken).toBeInstanceOf(ManifestError);
    expect(broken.message).toContain(
      'Manifest "m.csv", line 3: the row\'s column count is over 2, the header\'s is 2',
    );
    expect(failure('imageName,c,d\na.jpg,"\\"x\\""\n').message).toContain(
      "line 2: the row's column count is 2, the header's is 3",
    );
    expect(failure('imageName,c\na.jpg,"\\"x\n').message).toContain('line 2: column 2 is quoted');
    expect(failure('imageName,c\na.jpg,x\\"y\n').message).toContain('line 2: column 2 is not');
    expect(failure('imageName,c\n"\\"x" y,c\n').message).toContain('line 2: column 1 goes on');
  });

  it('take time in proportion to the file, whatever they are made to look like', () => {
    const nested = `imageName,c\n${'a.jpg,"\\",",",",",",",",",",\\","\n'.repeat(20_000)}`;
    const json = `imageName,c\na.jpg,"${'\\",'.repeat(300_000)}"\n`;
    const started = performance.now();
    expect(failure(nested, { maxRowBytes: 1e7 })).toBeInstanceOf(ManifestError);
    expect(parse(json, { maxRowBytes: 1e7 }).rows).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a slice', () => {
  it('is the header with its byte order mark and the rows, byte for byte', () => {
    const manifest = parse('\ufeffid,imageName\r\n1,a.jpg\n"2\n",b.jpg\r\n3,c.jpg');
    expect(manifestSlice(manifest, 0, 1).toString()).toBe('\ufeffid,imageName\r\n1,a.jpg\n');
    expect(manifestSlice(manifest, 1, 3).toString()).toBe(
      '\ufeffid,imageName\r\n"2\n",b.jpg\r\n3,c.jpg',
    );
    expect(manifestSlice(manifest, 0, 3)).toEqual(manifest.bytes);
  });

  it('leaves blank lines out', () => {
    const manifest = parse('imageName\na.jpg\n\nb.jpg\n\n\nc.jpg\n\n');
    expect(manifestSlice(manifest, 0, 3).toString()).toBe('imageName\na.jpg\nb.jpg\nc.jpg\n');
    expect(manifestSlice(manifest, 1, 2).toString()).toBe('imageName\nb.jpg\n');
  });
});

describe('a manifest is refused', () => {
  it.each([
    ['', 'Manifest "m.csv": is empty'],
    ['\ufeff\n\r\n', 'Manifest "m.csv": is empty'],
    ['id,imageName', 'Manifest "m.csv": has a header but no rows'],
    ['id,imageName\r\n\n', 'Manifest "m.csv": has a header but no rows'],
    [
      'id,image\n1,a\n',
      'Manifest "m.csv": has no column "imageName" (IMAGE_COLUMN), only "id", "image"',
    ],
    ['imageName,imageName\n1,a\n', 'Manifest "m.csv": has the column "imageName" twice; keep one'],
    ['id,imageName\n1,a\n2,""\n', 'Manifest "m.csv", line 3: the column "imageName" is empty'],
    ['id,imageName\n1,a\n\n2\n', "line 4: the row's column count is 1, the header's is 2"],
    ['id,imageName\n1,a,3\n', "line 2: the row's column count is 3, the header's is 2"],
    ['id,imageName\n1,"a\n2,b\n', 'Manifest "m.csv", line 2: a quoted field never ends'],
    [
      'id,imageName\n"1"2,a\n',
      'Manifest "m.csv", line 2: a field goes on behind its closing quote',
    ],
    ['id,imageName\n1"2,a\n', 'Manifest "m.csv", line 2: a quote stands inside an unquoted field'],
    ['id,imageName\n1,a\0\n', 'Manifest "m.csv", line 2: holds a NUL character'],
    ['"id,imageName\n1,a\n', 'Manifest "m.csv", line 1: a quoted field never ends'],
  ])('%j', (text, message) => {
    expect(failure(text)).toBeInstanceOf(ManifestError);
    expect(failure(text).message).toContain(message);
  });

  it('where it is not UTF-8', () => {
    const latin1 = Buffer.from('id,imageName\n1,a\n2,\xe9.jpg\n', 'latin1');
    expect(failure(latin1).message).toBe(
      'Manifest "m.csv", line 3: is not UTF-8; save the file as UTF-8',
    );
    const utf16 = Buffer.from('\ufeffid,imageName\n', 'utf16le');
    expect(failure(utf16).message).toBe('Manifest "m.csv": is UTF-16; save it as UTF-8');
  });

  it('where a row or the header is over the limit, line break included', () => {
    const rows = `1,a.jpg\n2,${'b'.repeat(20)}\n`;
    expect(parse(`id,imageName\n${rows}`, { maxRowBytes: 23 }).rows).toHaveLength(2);
    for (const first of ['', '"\\"x",y\n']) {
      const error = failure(`id,imageName\n${first}${rows}`, { maxRowBytes: 22 });
      expect(error).toBeInstanceOf(LimitError);
      expect(error.message).toContain(`line ${first ? 4 : 3}: the row has more than 22 bytes`);
      expect(error.message).toContain('MAX_ROW_BYTES');
    }
    expect(failure('id,imageName\n1,a\n', { maxRowBytes: 5 })).toBeInstanceOf(LimitError);
    const open = `imageName,c\na,"\\"${'x'.repeat(2000)}`;
    expect(failure(open)).toBeInstanceOf(LimitError);
    expect(failure(open.replace('\\"', ''))).toBeInstanceOf(LimitError);
  });

  it('with at most forty columns listed', () => {
    const header = Array.from({ length: 50 }, (_, index) => `c${index}`).join();
    expect(failure(`${header}\n`).message).toMatch(/"c39" and 10 more$/);
  });
});
