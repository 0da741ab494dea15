import { describe, expect, test } from 'vitest';
import { MessageError, parseBody } from '../../src/messages/parse.ts';
import { splitMessageSchema } from '../../src/messages/split.ts';

const JOB = {
  downloadId: 4711,
  file: '512-2-8d2ac06b.zip',
  exportPath: 'export/512-2-8d2ac06b.zip',
  totalSize: 123,
  s3Bucket: 'bucket',
  updatesQueueUrl: 'https://sqs.us-east-1.amazonaws.com/1/updates',
};

describe('a split message', () => {
  test('is read as the client sends it: escaped slashes, unknown fields, any id', () => {
    const body = JSON.stringify({ ...JOB, downloadId: '4711', more: 1 }).replaceAll('/', '\\/');

    expect(parse(body)).toEqual({ ...JOB, downloadId: '4711' });
  });

  test.each([
    ['', 'the body is not JSON'],
    ['{"downloadId":1', 'the body is not JSON'],
    ['[]', 'the body: expected object, got []'],
    ['null', 'the body: expected object, got null'],
    ['"text"', 'the body: expected object, got "text"'],
  ])('with the body %j is refused', (body, reason) => {
    expect(() => parse(body)).toThrow(MessageError);
    expect(() => parse(body)).toThrow(`Not a split message: ${reason}`);
  });

  test.each([
    [{ downloadId: undefined }, 'downloadId: expected an integer or text, got nothing'],
    [{ downloadId: 1.5 }, 'downloadId: expected an integer or text, got 1.5'],
    [{ downloadId: '' }, 'downloadId: expected text that is not empty, got ""'],
    [{ file: undefined }, 'file: expected string, got nothing'],
    [{ file: '../a.zip' }, 'file: expected a bare file name without slashes, got "../a.zip"'],
    [{ file: '..' }, 'file: expected a bare file name, got ".."'],
    [{ file: '' }, 'file: expected a bare file name'],
    [{ exportPath: '' }, 'exportPath: expected text that is not empty, got ""'],
    [{ totalSize: '123' }, 'totalSize: expected number, got "123"'],
    [{ totalSize: -1 }, 'totalSize: expected a size in bytes, from 0 up, got -1'],
    [{ s3Bucket: null }, 's3Bucket: expected string, got null'],
    [{ updatesQueueUrl: 'updates' }, 'updatesQueueUrl: expected the URL of an SQS queue'],
    [{ updatesQueueUrl: undefined }, 'updatesQueueUrl: expected'],
  ])('with %j is refused by the path, the expectation and what came', (fields, reason) => {
    expect(() => parse(JSON.stringify({ ...JOB, ...fields }))).toThrow(reason);
  });

  test('names every fault at once', () => {
    const body = JSON.stringify({ ...JOB, file: 5, totalSize: null });

    expect(() => parse(body)).toThrow(
      'Not a split message: file: expected string, got 5; totalSize: expected number, got null',
    );
  });

  test('shows no more than the beginning of a long value', () => {
    const body = JSON.stringify({ ...JOB, totalSize: 'x'.repeat(10_000) });

    expect(() => parse(body)).toThrow(/got "x{70,90}…$/);
  });
});

function parse(body: string) {
  return parseBody(splitMessageSchema, body, 'split message');
}
