import { describe, expect, test } from 'vitest';
import {
  archiveKey,
  contentDisposition,
  requiredBucket,
} from '../../src/activities/zip-settings.ts';
import { ConfigError, loadConfig } from '../../src/config.ts';

describe('the key of an archive', () => {
  test.each([
    ['holiday', 'download/holiday.zip'],
    ['holiday.zip', 'download/holiday.zip'],
    ['holiday.ZIP', 'download/holiday.zip'],
    ['holiday.zip.zip', 'download/holiday.zip.zip'],
    ['holiday.zipped', 'download/holiday.zipped.zip'],
    ['v1.2 ä 中', 'download/v1.2 ä 中.zip'],
  ])('that is to be called %j: %s', (name, key) => {
    expect(archiveKey(loadConfig({}), name, 'zip-1234')).toBe(key);
  });

  test.each([
    ['zip-0a1b2c3d-4e5f', 'download/0a1b2c3d-4e5f.zip'],
    ['zip-zip-1', 'download/zip-1.zip'],
    ['my-own-id', 'download/my-own-id.zip'],
    ['zip-2024/07/a', 'download/2024-07-a.zip'],
  ])('without a name comes from the id of the run, %s: %s', (workflowId, key) => {
    for (const name of [undefined, null]) {
      expect(archiveKey(loadConfig({}), name, workflowId)).toBe(key);
    }
  });

  test.each([
    ['archives', 'archives/a.zip'],
    ['archives/', 'archives/a.zip'],
    ['/archives/2024//', 'archives/2024/a.zip'],
    ['/', 'a.zip'],
    ['', 'download/a.zip'],
  ])('lies in the folder of archives, %j: %s', (S3_FILE_PREFIX, key) => {
    expect(archiveKey(loadConfig({ S3_FILE_PREFIX }), 'a', 'zip-1')).toBe(key);
  });
});

describe('how a browser saves an archive', () => {
  test('is under the last segment of its key', () => {
    expect(contentDisposition('download/2024/a-1.zip')).toBe(
      `attachment; filename="a-1.zip"; filename*=UTF-8''a-1.zip`,
    );
    expect(contentDisposition('a.zip')).toContain('filename="a.zip"');
  });

  test.each([
    ['a b.zip', 'a b.zip', 'a%20b.zip'],
    ['a"b".zip', 'a_b_.zip', 'a%22b%22.zip'],
    ['a\\b.zip', 'a_b.zip', 'a%5Cb.zip'],
    ['100%.zip', '100_.zip', '100%25.zip'],
    ["it's (2)*!.zip", "it's (2)*!.zip", 'it%27s%20%282%29%2A%21.zip'],
    ['ä 中.zip', '_ _.zip', '%C3%A4%20%E4%B8%AD.zip'],
    ['a\r\nb: c.zip', 'a__b: c.zip', 'a%0D%0Ab%3A%20c.zip'],
    ['a;b=c.zip', 'a;b=c.zip', 'a%3Bb%3Dc.zip'],
  ])('is in ASCII for the old ones, in UTF-8 for all others: %j', (name, ascii, encoded) => {
    expect(contentDisposition(`download/${name}`)).toBe(
      `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`,
    );
  });

  test.each(['ä "\\%😀\u007f\n.zip', '\u0000', "a'b*c"])(
    '%j is said in characters that a header may have',
    (name) => {
      const header = contentDisposition(name);
      expect(header).toMatch(/^attachment; filename="[^"\\%]*"; filename\*=UTF-8''[\w.~%-]+$/);
      expect(header).toMatch(/^[\x20-\x7e]+$/);
      expect(decodeURIComponent(header.split("UTF-8''")[1] ?? '')).toBe(name);
    },
  );
});

describe('a bucket that a job needs', () => {
  test('is the one that is set', () => {
    const config = loadConfig({ S3_SOURCE_BUCKET: 'images', S3_DESTINATION_BUCKET: 'archives' });
    expect(requiredBucket(config, 'S3_SOURCE_BUCKET')).toBe('images');
    expect(requiredBucket(config, 'S3_DESTINATION_BUCKET')).toBe('archives');
  });

  test.each(['S3_SOURCE_BUCKET', 'S3_DESTINATION_BUCKET'] as const)(
    'is an error that names the setting where none is set: %s',
    (name) => {
      expect(() => requiredBucket(loadConfig({}), name)).toThrow(
        new ConfigError(
          `${name}: expected the name of a bucket, got nothing; set it for all workers of the task queue`,
        ),
      );
    },
  );
});
