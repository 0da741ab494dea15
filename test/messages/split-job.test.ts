import { expect, test } from 'vitest';
import { parseMessage } from '../../src/messages/parse.ts';
import { splitJobSchema } from '../../src/messages/split.ts';

const JOB = {
  downloadId: 4711,
  file: '512-2-8d2ac06b.zip',
  exportPath: 'export/512-2-8d2ac06b.zip',
  totalSize: 1,
  s3Bucket: 'bucket',
};

test('a file name may be as long as its batch zips fit a file system', () => {
  const longest = `${'é'.repeat(118)}.zip`;
  expect(parse({ file: longest }).file).toBe(longest);
  expect(() => parse({ file: `a${longest}` })).toThrow(/file: expected at most 240 bytes, got "aé/);
});

test('an id stays an integer or a text', () => {
  for (const downloadId of [0, 4711, '0', '0042', 'x'.repeat(200)]) {
    expect(parse({ downloadId }).downloadId).toBe(downloadId);
  }
});

test.each([
  ['', 'expected text that is not empty, got ""'],
  ['x'.repeat(201), 'expected at most 200 bytes, got "xxx'],
  [1.5, 'expected an integer or text, got 1.5'],
  [undefined, 'expected an integer or text, got nothing'],
])('an id of %j is refused', (downloadId, reason) => {
  expect(() => parse({ downloadId })).toThrow(`downloadId: ${reason}`);
});

function parse(fields: object) {
  return parseMessage(splitJobSchema, { ...JOB, ...fields }, 'split job');
}
