import { describe, expect, test } from 'vitest';
import { MessageError } from '../../src/messages/parse.ts';
import { parseRouteMessage } from '../../src/messages/route.ts';
import { encodeEventKey, objectCreatedEvent } from '../../src/messages/s3-event.ts';

describe('a plain message', () => {
  test.each([
    [{}, {}],
    [{ bucket: null, key: null, threshold: null, notifyQueueUrl: null }, {}],
    [
      { bucket: 'bucket', key: 'a/b.zip', other: 1 },
      { bucket: 'bucket', key: 'a/b.zip' },
    ],
    [{ threshold: 0 }, { threshold: 0 }],
    [{ notifyQueueUrl: 'https://sqs/1/q' }, { notifyQueueUrl: 'https://sqs/1/q' }],
  ])('%j', (value, job) => {
    expect(parseRouteMessage(value)).toEqual({ kind: 'job', job });
  });

  test.each([
    [[], 'the body: expected object, got []'],
    ['text', 'the body: expected object, got "text"'],
    [{ bucket: 'a' }, 'bucket: expected the name of an S3 bucket, got "a"'],
    [{ key: '' }, 'key: expected text that is not empty, got ""'],
    [{ key: 'é'.repeat(513) }, 'key: expected at most 1024 bytes'],
    [{ threshold: 1.5 }, 'threshold: expected a size in bytes, from 0 up, got 1.5'],
    [{ threshold: '2' }, 'threshold: expected a size in bytes, from 0 up, got "2"'],
    [{ notifyQueueUrl: 'q' }, 'notifyQueueUrl: expected the URL of an SQS queue, got "q"'],
  ])('that is wrong: %j', (value, problem) => {
    expect(() => parseRouteMessage(value)).toThrow(MessageError);
    expect(() => parseRouteMessage(value)).toThrow(`Not a route message: ${problem}`);
  });
});

test.each([
  { Type: 'Notification', Message: '{"Records":[]}', TopicArn: 'arn:aws:sns:…' },
  { 'detail-type': 'Object Created', detail: { bucket: { name: 'bucket' } } },
])('the envelope of another service is no job that leaves out everything: %j', (value) => {
  expect(() => parseRouteMessage(value)).toThrow(
    'Not a route message: an envelope of SNS or EventBridge; let S3 send its events to the queue itself',
  );
});

describe("S3's event notification", () => {
  test('tells of each object that was created, its key decoded', () => {
    const event = {
      Records: [
        record('a+b%2Bc/%C3%A9+%E2%82%AC%20%25.zip', { sequencer: '0055AE', eTag: 'e' }),
        record('plain.zip', { eTag: 'e' }, 's3:ObjectCreated:CompleteMultipartUpload'),
        record('old.zip', {}, undefined),
        record('gone%.zip', { sequencer: '1' }, 'ObjectRemoved:Delete'),
        record('restored.zip', {}, 'ObjectRestore:Completed'),
      ],
    };

    expect(parseRouteMessage(event)).toEqual({
      kind: 'event',
      objects: [
        { bucket: 'bucket', key: 'a b+c/é € %.zip', sequencer: '0055AE', etag: 'e' },
        { bucket: 'bucket', key: 'plain.zip', sequencer: undefined, etag: 'e' },
        { bucket: 'bucket', key: 'old.zip', sequencer: undefined, etag: undefined },
      ],
    });
  });

  test('of a test is one', () => {
    const event = { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'bucket' };
    expect(parseRouteMessage(event)).toEqual({ kind: 'test event' });
  });

  test.each([
    [{ Records: 'none' }, 'Records: expected array, got "none"'],
    [{ Records: [{ s3: { bucket: { name: 'bucket' } } }] }, 'Records.0.s3.object: expected object'],
    [
      { Records: [record('100%.zip')] },
      'Records.0.s3.object.key: expected a URL-encoded key, got "100%.zip"',
    ],
    [{ Records: [record('')] }, 'Records.0.s3.object.key: expected text that is not empty, got ""'],
  ])('that is wrong: %j', (value, problem) => {
    expect(() => parseRouteMessage(value)).toThrow(`Not a notification of an S3 event: ${problem}`);
  });

  test.each(['a b.zip', 'a+b/é%.zip', "it's (1)~*.zip", '日本/🎈.zip'])(
    'that we send tells of the key that it is of: %s',
    (key) => {
      const object = { bucket: 'bucket', key, size: 1, etag: '"e"' };
      const event = objectCreatedEvent({ ...object, time: new Date(1_700_000_000_000) });
      expect(parseRouteMessage(event)).toEqual({
        kind: 'event',
        objects: [{ bucket: 'bucket', key, sequencer: '0000018BCFE56800', etag: 'e' }],
      });
      expect(encodeEventKey(key)).not.toContain(' ');
    },
  );
});

function record(
  key: string,
  fields: object = {},
  eventName: string | undefined = 'ObjectCreated:Put',
) {
  return { eventName, s3: { bucket: { name: 'bucket' }, object: { key, size: 5, ...fields } } };
}
