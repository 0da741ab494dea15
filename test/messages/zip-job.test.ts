import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageError, parseBody } from '../../src/messages/parse.ts';
import {
  baseNameOf,
  fileListSchema,
  parseSource,
  zipFailure,
  zipJobSchema,
  zipReplySchema,
  zipSummary,
} from '../../src/messages/zip.ts';

/** The trigger of the contract. */
const MESSAGE = {
  files: [
    { source: 'dir/a.png', destination: 'album_1' },
    { source: 's3://other-bucket/dir/b.png', destination: 'album_1' },
    { source: 'c.png' },
  ],
  metadata: { key: 'value' },
};

const FILES = [{ source: 'c.png' }];

describe('a zip message', () => {
  test("is read as the contract's example has it, and stored by default", () => {
    expect(parse(MESSAGE)).toEqual({ ...MESSAGE, compression: 'store' });
  });

  test('may name its archive and how it is compressed', () => {
    const options = { archiveName: 'holiday 2024 ä.zip', compression: 'deflate' };
    expect(parse({ files: FILES, ...options })).toEqual({ files: FILES, ...options });
  });

  test('may have null for what is optional', () => {
    const files = [{ source: 'c.png', destination: null }];
    expect(parse({ files, metadata: null, archiveName: null, compression: null })).toEqual({
      files,
      metadata: null,
      archiveName: null,
      compression: 'store',
    });
  });

  test('may have more fields, which are ignored, in its files, too', () => {
    const files = [{ source: 'c.png', size: 'large' }];
    expect(parse({ files, priority: 1 })).toEqual({ files: FILES, compression: 'store' });
  });

  test('may name an object that has the files', () => {
    const fileList = 's3://bucket/lists/files 1.json';
    expect(parse({ fileList })).toEqual({ fileList, compression: 'store' });
  });

  test('may have 10,000 files', () => {
    const files = Array.from({ length: 10_000 }, (_, index) => ({ source: `${index}.png` }));
    expect(parse({ files }).files).toHaveLength(10_000);
  });

  test('has any JSON as metadata, which comes back unchanged', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const { metadata } = parseBody(
          zipJobSchema,
          `{"files":[{"source":"a"}],"metadata":${json}}`,
          'zip message',
        );
        expect(JSON.stringify(metadata)).toBe(JSON.stringify(JSON.parse(json)));
      }),
    );
  });
});

describe('a zip message is refused, with the path, what was expected and what came', () => {
  test.each([
    ['{"files":[', 'the body is not JSON'],
    ['[]', 'the body: expected object, got []'],
    ['null', 'the body: expected object, got null'],
    ['"text"', 'the body: expected object, got "text"'],
  ])('the body %s', (body, reason) => {
    const read = () => parseBody(zipJobSchema, body, 'zip message');
    expect(read).toThrow(MessageError);
    expect(read).toThrow(`Not a zip message: ${reason}`);
  });

  test.each([
    [{}, 'files: expected one file or more, got nothing'],
    [{ files: [] }, 'files: expected one file or more, got []'],
    [{ files: 'a.png' }, 'files: expected array, got "a.png"'],
    [{ files: null }, 'files: expected array, got null'],
    [{ files: [null] }, 'files.0: expected object, got null'],
    [{ files: ['a.png'] }, 'files.0: expected object, got "a.png"'],
    [{ files: [...FILES, {}] }, 'files.1.source: expected string, got nothing'],
    [{ files: [{ source: 7 }] }, 'files.0.source: expected string, got 7'],
    [{ files: [{ source: '' }] }, 'files.0.source: expected text that is not empty, got ""'],
    [{ files: [{ source: 'a', destination: 7 }] }, 'files.0.destination: expected string, got 7'],
    [
      { files: FILES, archiveName: 'a/b' },
      'archiveName: expected a bare file name without slashes, got "a/b"',
    ],
    [{ files: FILES, archiveName: 'a\\b' }, 'archiveName: expected a bare file name'],
    [{ files: FILES, archiveName: '..' }, 'archiveName: expected a bare file name, got ".."'],
    [{ files: FILES, archiveName: '' }, 'archiveName: expected a bare file name'],
    [{ files: FILES, archiveName: 7 }, 'archiveName: expected string, got 7'],
    [{ files: FILES, archiveName: 'é'.repeat(121) }, 'archiveName: expected at most 240 bytes'],
    [{ files: FILES, compression: 'bzip2' }, 'compression: expected store or deflate, got "bzip2"'],
    [{ files: FILES, compression: 9 }, 'compression: expected store or deflate, got 9'],
    [{ fileList: 'files.json' }, 'fileList: expected s3://bucket/key, got "files.json"'],
    [{ fileList: 's3://bucket' }, 'fileList: expected s3://bucket/key, got "s3://bucket"'],
    [{ fileList: 7 }, 'fileList: expected string, got 7'],
    [
      { files: FILES, fileList: 's3://bucket/key' },
      'fileList: expected either files or fileList, got "s3://bucket/key"',
    ],
  ])('%j', (message, reason) => {
    expect(() => parse(message)).toThrow(MessageError);
    expect(() => parse(message)).toThrow(`Not a zip message: ${reason}`);
  });

  test.each([
    ['s3://', 'expected a key, or s3://bucket/key'],
    ['s3://x', 'expected a key, or s3://bucket/key'],
    ['s3://bucket', 'expected a key, or s3://bucket/key'],
    ['s3://bucket/', 'expected a key, or s3://bucket/key'],
    ['s3:///a.png', 'expected a key, or s3://bucket/key'],
    ['s3://ab/a.png', 'expected a key, or s3://bucket/key'],
    ['s3://my bucket/a.png', 'expected a key, or s3://bucket/key'],
    ['s3://bücket/a.png', 'expected a key, or s3://bucket/key'],
    ['dir/', "expected a key that ends in a file's name"],
    ['s3://bucket/dir/', "expected a key that ends in a file's name"],
    ['dir/..', 'expected a key that ends in a file\'s name: the name climbs with ".."'],
    ['dir/.', "expected a key that ends in a file's name"],
    ['dir/C:a', "expected a key that ends in a file's name: the name starts with a drive letter"],
    ['dir/a\\b', "expected a key that ends in a file's name: the name holds a backslash"],
    ['dir/a\0', "expected a key that ends in a file's name: the name holds a NUL character"],
    ['dir/a\n', "expected a key that ends in a file's name: the name holds a control character"],
  ])('the source %j', (source, reason) => {
    expect(() => parse({ files: [{ source }] })).toThrow(MessageError);
    expect(() => parse({ files: [{ source }] })).toThrow(`files.0.source: ${reason}`);
  });

  test.each([
    ['a key', 'x'.repeat(1025)],
    ['a key in UTF-8', 'ü'.repeat(513)],
    ['a key of a bucket', `s3://bucket/${'x'.repeat(1025)}`],
  ])('%s that is longer than any in S3', (_, source) => {
    expect(() => parse({ files: [{ source }] })).toThrow(
      /files\.0\.source: expected a key of at most/,
    );
  });

  test.each([
    ['..', 'the name climbs with ".."'],
    ['a/../../b', 'the name climbs with ".."'],
    ['/a', 'the name is an absolute path'],
    ['C:\\a', 'the name holds a backslash'],
    ['C:/a', 'the name starts with a drive letter'],
    ['a\\b', 'the name holds a backslash'],
    ['a\0', 'the name holds a NUL character'],
    ['a\tb', 'the name holds a control character'],
  ])('the destination %j', (destination, reason) => {
    expect(() => parse({ files: [{ source: 'a', destination }] })).toThrow(
      `files.0.destination: expected a folder in the archive: ${reason}, got ${JSON.stringify(destination)}`,
    );
  });

  test.each(['a\ud800.png', 's3://bucket/\udc00'])(
    'the source %j: no key in S3 is such text',
    (source) => {
      expect(() => parse({ files: [{ source }] })).toThrow(MessageError);
    },
  );

  test.each([
    [{ files: [{ source: 'a', destination: '\ud800' }] }],
    [{ files: FILES, archiveName: '\ud800' }],
  ])('%j: UTF-8 has no such text', (message) => {
    expect(() => parse(message)).toThrow(MessageError);
  });

  test('every fault is named at once', () => {
    const files = [{ source: 's3://x' }, { source: 'a', destination: '..' }];
    expect(() => parse({ files, archiveName: 7 })).toThrow(
      'Not a zip message: files.0.source: expected a key, or s3://bucket/key, got "s3://x"; ' +
        'files.1.destination: expected a folder in the archive: the name climbs with "..", got ".."; ' +
        'archiveName: expected string, got 7',
    );
  });

  test('ten faults are named, of the others it is said how many there are', () => {
    const files = Array.from({ length: 25 }, () => ({ source: 7 }));
    expect(() => parse({ files })).toThrow(
      /files\.9\.source: expected string, got 7; and 15 more$/,
    );
    expect(() => parse({ files: files.slice(0, 10) })).toThrow(
      /files\.9\.source: expected string, got 7$/,
    );
  });
});

test.each([
  ['', ''],
  ['.', '.'],
  ['./', './'],
  ['a//b/', 'a//b/'],
  ['Bücher/ä 中', 'Bücher/ä 中'],
])('the destination %j may be', (destination) => {
  expect(parse({ files: [{ source: 'a', destination }] }).files?.[0]?.destination).toBe(
    destination,
  );
});

describe('a source', () => {
  test.each([
    ['a.png', undefined, 'a.png', 'a.png'],
    ['dir/a b+c#?.png', undefined, 'dir/a b+c#?.png', 'a b+c#?.png'],
    ['/a.png', undefined, '/a.png', 'a.png'],
    ['S3://bucket/a', undefined, 'S3://bucket/a', 'a'],
    ['s3://other-bucket/dir/b.png', 'other-bucket', 'dir/b.png', 'b.png'],
    ['s3://old_bucket.1/ä/中', 'old_bucket.1', 'ä/中', '中'],
    ['s3://bucket//a', 'bucket', '/a', 'a'],
  ])('%s is a key in a bucket, and has a file name', (source, bucket, key, baseName) => {
    expect(parseSource(source)).toEqual({ bucket, key });
    expect(baseNameOf(key)).toBe(baseName);
    expect(parse({ files: [{ source }] }).files).toEqual([{ source }]);
  });

  test('is as long as S3 allows', () => {
    for (const source of ['x'.repeat(1024), `s3://${'b'.repeat(63)}/${'x'.repeat(1024)}`]) {
      expect(() => parse({ files: [{ source }] })).not.toThrow();
    }
  });
});

describe('a list of files in an object', () => {
  test('has files as a message has them', () => {
    const { files } = MESSAGE;
    expect(parseBody(fileListSchema, JSON.stringify({ files, more: 1 }), 'file list')).toEqual({
      files,
    });
  });

  test.each([
    ['{}', 'files: expected array, got nothing'],
    ['{"files":[]}', 'files: expected one file or more, got []'],
    ['{"files":[{"source":"a/"}]}', "files.0.source: expected a key that ends in a file's name"],
  ])('%s is refused', (body, reason) => {
    expect(() => parseBody(fileListSchema, body, 'file list')).toThrow(
      `Not a file list: ${reason}`,
    );
  });
});

describe('a failure', () => {
  test('says what is wrong and what is missing, with the metadata of the job', () => {
    const missing = ['s3://bucket/a.png'];
    expect(zipFailure('1 of 2 files is not there', missing, { key: 'value' })).toEqual({
      status: 'failed',
      error: '1 of 2 files is not there',
      missing,
      metadata: { key: 'value' },
    });
  });

  test('begins with what a person needs first', () => {
    expect(Object.keys(zipFailure('wrong', [], 1))).toEqual([
      ...['status', 'error', 'missing', 'metadata'],
    ]);
  });

  test.each([[null], [0], [''], [false], [[]]])('returns the metadata %j', (metadata) => {
    expect(zipFailure('wrong', [], metadata)).toHaveProperty('metadata', metadata);
  });

  test('has no metadata where the job had none', () => {
    expect(zipFailure('wrong', [], undefined)).not.toHaveProperty('metadata');
  });

  test('of a message that can not be taken still has its metadata', () => {
    const body = JSON.stringify({ files: 'wrong', metadata: { key: 'value' } });
    expect(parseBody(zipReplySchema, body, 'zip message')).toEqual({ metadata: { key: 'value' } });
    expect(parseBody(zipReplySchema, '{"files":7}', 'zip message')).toEqual({});
  });
});

test.each([
  [{ files: [{ source: 'a' }] }, 'Zip 1 file'],
  [{ ...MESSAGE, archiveName: 'b.zip' }, 'Zip 3 files into b.zip'],
  [{ fileList: 's3://bucket/key' }, 'Zip the files of s3://bucket/key'],
])('a job in a line: %j', (job, line) => {
  expect(zipSummary(job)).toBe(line);
});

function parse(message: object) {
  return parseBody(zipJobSchema, JSON.stringify(message), 'zip message');
}
