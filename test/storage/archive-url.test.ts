import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contentDisposition } from '../../src/activities/zip-settings.ts';
import { archiveUrl } from '../../src/storage/archive-url.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';

const WEEK = 7 * 24 * 60 * 60;
const OBJECT = { bucket: 'bucket', key: 'download/a.zip' };

/** Keys with what URLs, forms and shells have meanings for. */
const KEYS = [
  'download/a.zip',
  'download/a b.zip',
  'download/a#b?c=d&e.zip',
  'download/a+b.zip',
  'download/100%25.zip',
  "download/it's (2)*!.zip",
  'Bücher/ä 中 😀.zip',
  'a\u0308.zip',
];

describe('below ARCHIVE_BASE_URL', () => {
  test.each([
    ['https://cdn.example', 'https://cdn.example/download/a.zip'],
    ['https://cdn.example/', 'https://cdn.example/download/a.zip'],
    ['https://cdn.example/archives', 'https://cdn.example/archives/download/a.zip'],
    ['https://cdn.example/archives/', 'https://cdn.example/archives/download/a.zip'],
    ['https://cdn.example/a%20b//', 'https://cdn.example/a%20b/download/a.zip'],
    ['http://localhost:8080/x', 'http://localhost:8080/x/download/a.zip'],
  ])('%s, the link is %s', async (base, url) => {
    expect(await link(OBJECT, base)).toBe(url);
  });

  test.each(KEYS)('the path of a link says the key: %s', async (key) => {
    const url = new URL(await link({ bucket: 'bucket', key }, 'https://cdn.example/x/'));
    expect(url.pathname.split('/').map(decodeURIComponent).join('/')).toBe(`/x/${key}`);
    expect([url.search, url.hash]).toEqual(['', '']);
  });

  test.each([
    ['download/a b.zip', 'https://cdn.example/download/a%20b.zip'],
    ['download/a+b#?.zip', 'https://cdn.example/download/a%2Bb%23%3F.zip'],
    ['Bücher/中.zip', 'https://cdn.example/B%C3%BCcher/%E4%B8%AD.zip'],
  ])('%s becomes %s', async (key, url) => {
    expect(await link({ bucket: 'bucket', key }, 'https://cdn.example')).toBe(url);
  });
});

describe('a presigned link', () => {
  test.each(KEYS)('gives the object without credentials: %s', async (key) => {
    const bucket = await uniqueBucket();
    const body = Buffer.from(`the archive ${key}`);
    await testS3().send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: 'application/zip',
        ContentDisposition: contentDisposition(key),
      }),
    );

    const response = await fetch(await link({ bucket, key }));

    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
    expect(response.headers.get('content-type')).toBe('application/zip');
    expect(response.headers.get('content-disposition')).toBe(contentDisposition(key));
  });

  test('is for its object only', async () => {
    const bucket = await uniqueBucket();
    for (const Key of ['a.zip', 'b.zip']) {
      await testS3().send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }));
    }
    const url = await link({ bucket, key: 'a.zip' });
    expect((await fetch(url.replace('a.zip', 'b.zip'))).status).toBe(403);
  });

  test.each([60, WEEK])('is valid for %d seconds, as LINK_EXPIRES says', async (seconds) => {
    const url = new URL(await link(OBJECT, undefined, seconds));
    expect(url.searchParams.get('X-Amz-Expires')).toBe(String(seconds));
  });
});

function link(object: typeof OBJECT, base?: string, seconds = WEEK): Promise<string> {
  return archiveUrl(testS3(), { ARCHIVE_BASE_URL: base, LINK_EXPIRES: seconds }, object);
}
