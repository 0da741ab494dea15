import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ListQueuesCommand } from '@aws-sdk/client-sqs';
import { expect, inject, test } from 'vitest';
import { BUCKETS } from '../../src/local/endpoints.ts';
import { provisionBuckets, provisionQueues } from '../../src/local/provision.ts';
import { testS3, testSqs } from '../support/harness.ts';

test('buckets that are there are left alone', async () => {
  await provisionBuckets(testS3(), BUCKETS);
  const { Buckets = [] } = await testS3().send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name)).toEqual(expect.arrayContaining([...BUCKETS]));
});

test('queues that are there are left alone, and have the same URLs', async () => {
  const { sqs, queues } = inject('stack');
  expect(await provisionQueues(testSqs(), sqs.endpoint)).toEqual(queues);
  const list = new ListQueuesCommand({ QueueNamePrefix: 'split' });
  const { QueueUrls } = await testSqs().send(list);
  expect(QueueUrls?.filter((url) => url === queues.split)).toHaveLength(1);
});

test('a split message that is received five times in vain goes to the dead-letter queue', async () => {
  const { queues } = inject('stack');
  const { Attributes } = await testSqs().send(
    new GetQueueAttributesCommand({ QueueUrl: queues.split, AttributeNames: ['RedrivePolicy'] }),
  );
  expect(JSON.parse(Attributes?.RedrivePolicy ?? '')).toMatchObject({
    deadLetterTargetArn: expect.stringMatching(/:split-dlq$/),
    maxReceiveCount: 5,
  });
});
