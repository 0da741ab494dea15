import { join } from 'node:path';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, test, vi } from 'vitest';
import { stackS3, stackSqs } from '../../src/local/clients.ts';
import { type Stack, startStack } from '../../src/local/stack.ts';
import { afterwards } from '../support/afterwards.ts';
import { sampleArchive } from '../support/faults.ts';
import { type Held, hold } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { countMessages } from '../support/queues.ts';
import { type S3Proxy, s3Proxy } from '../support/s3-proxy.ts';
import { LOAD_LIMIT_MS, type LoadArchive, SplitLoad, UNDER_LOAD } from '../support/split-load.ts';
import { tempFolder } from '../support/temp-folder.ts';

const BUCKET = 'incoming';

/** Takes a message, in a tenth of a second. */
let small: LoadArchive;
/** Takes three parts, which a worker puts together. */
let joined: LoadArchive;

beforeAll(async () => {
  small = {
    suffix: '.zip',
    bytes: await sampleArchive({ rows: 3, imageBytes: 4_000, seed: 1 }),
  };
  joined = {
    suffix: '.zip',
    bytes: await sampleArchive({ rows: 170, imageBytes: 100_000, seed: 2, shuffle: true }),
  };
});

test(
  'Temporal, S3 and SQS restart one after the other under load: nothing is lost, and nothing told twice',
  async () => {
    const stack = await startStack({ dataDir: join(await tempFolder(), 'stack') });
    afterwards(() => stack.kill());
    const { temporal, s3, sqs } = stack.servers;
    const { split: queueUrl, splitDlq: deadLetterUrl } = stack.endpoints.queues;
    const sqsClient = stackSqs(stack.endpoints);
    const updatesQueueUrl = await fifoQueue(sqsClient);
    const load = new SplitLoad({
      ...{ name: 'load', bucket: BUCKET, queueUrl, deadLetterUrl, updatesQueueUrl },
      ...{ s3: stackS3(stack.endpoints), sqs: sqsClient },
    });
    const proxy = await s3Proxy(stack.endpoints);
    const env = { SPLIT_QUEUE_URL: queueUrl };
    await Promise.all([
      ...[1, 2].map(() => startProcess('worker', env, proxy.stack)),
      ...[1, 2].map(() => startProcess('starter', env, stack.endpoints)),
    ]);
    const wave = Array.from({ length: 10 }, () => small);

    // Temporal: it is away while parts are made and while messages come.
    const first = holdParts(proxy);
    await load.send([joined, ...wave, joined]);
    await vi.waitFor(() => expect(first.calls.length).toBeGreaterThan(0), UNDER_LOAD);
    await temporal.stop();
    await load.send(wave);
    await vi.waitFor(async () => {
      const { waiting, inHand } = await countMessages(queueUrl, sqsClient);
      expect(waiting).toBe(0);
      expect(inHand).toBeGreaterThanOrEqual(wave.length);
    }, UNDER_LOAD);
    await temporal.start();
    const client = await connect(stack);

    // S3: parts that are under way break off, and whoever asks meanwhile has to ask again.
    await s3.stop();
    const before = proxy.calls.length;
    first.release();
    await load.send(wave);
    await vi.waitFor(() => {
      for (const { isAbandoned } of first.calls) expect(isAbandoned).toBe(true);
      expect(proxy.calls.length).toBeGreaterThan(before);
    }, UNDER_LOAD);
    const second = holdParts(proxy);
    await s3.start();

    // SQS: there are results to send while it is away.
    await load.send([joined]);
    await vi.waitFor(async () => {
      expect(await countMessages(queueUrl, sqsClient)).toEqual({ waiting: 0, inHand: 0 });
      expect(second.calls.length).toBeGreaterThan(0);
    }, UNDER_LOAD);
    await sqs.stop();
    second.release();
    await vi.waitFor(async () => expect(await sendsInVain(client)).toBeGreaterThan(0), UNDER_LOAD);
    await sqs.start();
    await load.send(wave);

    await load.expectAllDone(client);
  },
  LOAD_LIMIT_MS,
);

/** Exact, whatever happens to the answers on the way. */
async function fifoQueue(sqs: SQSClient): Promise<string> {
  const queue = { QueueName: 'load-results.fifo', Attributes: { FifoQueue: 'true' } };
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand(queue));
  return QueueUrl;
}

function holdParts(proxy: S3Proxy): Held {
  return hold(proxy, ({ operation, part }) => operation === 'UploadPart' && part >= 2);
}

async function connect({ endpoints: { temporal } }: Stack): Promise<Client> {
  const connection = await Connection.connect({ address: temporal.address });
  afterwards(() => connection.close());
  return new Client({ connection, namespace: temporal.namespace });
}

/** Results that were sent in vain, and are going to be sent again. */
async function sendsInVain(client: Client): Promise<number> {
  let sends = 0;
  for await (const { workflowId } of client.workflow.list({
    query: 'WorkflowType = "splitArchive" AND ExecutionStatus = "Running"',
  })) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const failed = raw.pendingActivities?.filter(
      ({ activityType, lastFailure }) => activityType?.name === 'sendResult' && lastFailure,
    );
    sends += failed?.length ?? 0;
  }
  return sends;
}
