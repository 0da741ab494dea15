import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { afterwards } from '../support/afterwards.ts';
import { listKeys, listUploads } from '../support/bucket-contents.ts';
import {
  testS3,
  uniqueBucket,
  uniqueName,
  uniqueQueue,
  uniqueTaskQueue,
} from '../support/harness.ts';
import { sendBody } from '../support/queues.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { sheaf } from '../support/sheaf.ts';
import { startWorker } from '../support/split-case.ts';

/** The suite's stack without its queues and buckets, which other tests use. */
const BARE = {
  ...{ SPLIT_QUEUE_URL: '', SQS_SOURCE_QUEUE: '', SQS_DESTINATION_QUEUE: '' },
  ...{ ITEMS_QUEUE_URL: '', ROUTE_QUEUE_URL: '', ROUTE_NOTIFY_QUEUE: '' },
  ...{ ITEMS_BUCKET: '', ROUTE_BUCKET: '', S3_SOURCE_BUCKET: '', S3_DESTINATION_BUCKET: '' },
};

let taskQueue: string;
let bucket: string;

beforeAll(async () => {
  taskQueue = uniqueTaskQueue();
  await startWorker(taskQueue);
  bucket = await uniqueBucket();
});

describe('a set-up in which all is well', () => {
  test('passes, and its buckets are as they were', async () => {
    const Key = 'sheaf/doctor-of-another/object';
    await testS3().send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'kept' }));
    const source = await uniqueBucket();
    const { url } = await uniqueQueue({ maxReceiveCount: 5 });
    const { url: results } = await uniqueQueue();
    const settings = {
      ...{ SPLIT_QUEUE_URL: url, SQS_DESTINATION_QUEUE: results },
      ...{ ITEMS_BUCKET: bucket, S3_SOURCE_BUCKET: source },
    };

    const { code, findings } = await doctor(settings);

    expect(findings.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(code).toBe(0);
    expect(new Set(findings.map(({ area }) => area))).toEqual(
      new Set([
        ...['Versions', 'Settings', 'SQS SPLIT_QUEUE_URL', 'SQS SQS_DESTINATION_QUEUE'],
        ...[`S3 ${bucket}`, `S3 ${source}`, 'Clock', 'Temporal'],
      ]),
    );
    expect(messagesOf(findings, `S3 ${bucket}`)).toEqual([
      'allowed: ListObjectsV2, PutObject, HeadObject, GetObject, CreateMultipartUpload, UploadPart, UploadPartCopy, ListParts, CompleteMultipartUpload, an upload to sheaf/, an upload to items/, DeleteObjects',
    ]);
    expect(messagesOf(findings, `S3 ${source}`)).toEqual(['allowed: ListObjectsV2, GetObject']);
    expect(messagesOf(findings, 'Temporal')).toEqual(
      expect.arrayContaining([
        `task queue ${taskQueue}: 1 polling for workflows`,
        `task queue ${taskQueue}: 1 polling for activities`,
      ]),
    );
    await expectIn(bucket, [Key]);
    await expectIn(source, []);
  });

  test('is told in a line a finding; without a worker it works, and may yet surprise', async () => {
    const settings = { ...BARE, TASK_QUEUE: `${taskQueue}-nobody` };

    const { code, stdout } = await sheaf(settings, 'doctor', '--bucket', bucket);

    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}pass {2}Clock: this machine is /));
    const remedy = '        → start a worker: npx sheaf worker';
    expect(lines.slice(-4)).toEqual([
      `  warn  Temporal: task queue ${taskQueue}-nobody: nobody polls for workflows; runs wait`,
      remedy,
      `  warn  Temporal: task queue ${taskQueue}-nobody: nobody polls for activities; runs wait`,
      remedy,
    ]);
  });
});

describe('S3', () => {
  test('that refuses the keys is a failure, with what to do', async () => {
    const { code, findings } = await doctor({ AWS_SECRET_ACCESS_KEY: 'another' }, bucket);

    expect(code).toBe(1);
    // One line a bucket: no other call could fare better.
    expect(faultsOf(findings).filter(({ area }) => area === `S3 ${bucket}`)).toEqual([
      {
        area: `S3 ${bucket}`,
        verdict: 'fail',
        message: expect.stringMatching(/^the keys are refused \(SignatureDoesNotMatch: /),
        remedy: expect.stringMatching(/^correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, /),
      },
    ]);
  });

  test('without a bucket is a failure of that bucket alone', async () => {
    const absent = uniqueName();

    const { code, findings } = await doctor({}, absent, bucket);

    expect(code).toBe(1);
    expect(faultsOf(findings)).toEqual([
      {
        area: `S3 ${absent}`,
        verdict: 'fail',
        message: 'there is no such bucket',
        remedy: 'create it, or name another one',
      },
    ]);
  });

  test.each([
    ['UploadPartCopy', 's3:PutObject and s3:GetObject'],
    ['CompleteMultipartUpload', 's3:PutObject'],
    ['DeleteObjects', 's3:DeleteObject'],
  ])('that denies %s is a failure, which names the permission', async (denied, permission) => {
    const proxy = await s3Proxy();
    // S3 says of each object that is to be deleted whether it was.
    const refusal =
      denied === 'DeleteObjects'
        ? { status: 200, code: 'AccessDenied', root: 'DeleteResult' }
        : { status: 403, code: 'AccessDenied' };
    proxy.intercept = ({ operation }) => (operation === denied ? refusal : undefined);
    const own = await uniqueBucket();

    const { code, findings } = await doctor({ AWS_ENDPOINT_URL_S3: proxy.stack.s3.endpoint }, own);

    expect(code).toBe(1);
    expect(faultsOf(findings)).toEqual([
      {
        area: `S3 ${own}`,
        verdict: 'fail',
        message: `${denied} is denied (AccessDenied: by the test)`,
        remedy: expect.stringContaining(`allow ${permission} on arn:aws:s3:::${own}/sheaf/*`),
      },
    ]);
    if (denied !== 'DeleteObjects') await expectIn(own, []);
  });

  test.each([
    ['fail', 600_000],
    ['warn', 60_000],
  ])('whose clock is off is a %s, here by %i ms', async (verdict, offsetMs) => {
    const settings = { AWS_ENDPOINT_URL_S3: await serverOfTime(offsetMs) };

    const { code, findings } = await doctor(settings);

    expect(code).toBe(verdict === 'fail' ? 1 : 0);
    expect(faultsOf(findings)).toEqual([
      {
        area: 'Clock',
        verdict,
        message: expect.stringMatching(/^this machine is \d+ s off the S3 server$/),
        remedy: 'let the clock be set by NTP (timedatectl set-ntp true)',
      },
    ]);
  });
});

describe('SQS', () => {
  test('has a finding for each queue that is not as it should be', async () => {
    const { url: without } = await uniqueQueue();
    const { url: hasty, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 1 });
    await sendBody(deadLetterUrl, 'a dead letter');
    const absent = uniqueName();

    const { code, findings } = await doctor({
      ...{ SPLIT_QUEUE_URL: without, ITEMS_QUEUE_URL: hasty },
      ...{ ROUTE_QUEUE_URL: absent, ROUTE_NOTIFY_QUEUE: absent },
    });

    expect(code).toBe(1);
    expect(
      faultsOf(findings).map(({ area, verdict, message }) => [area, verdict, message]),
    ).toEqual([
      [
        ...['SQS SPLIT_QUEUE_URL', 'fail'],
        'the queue has no redrive policy: messages that can not be read stay in it for ever',
      ],
      [
        ...['SQS ITEMS_QUEUE_URL', 'warn'],
        'maxReceiveCount is 1: a message that a starter dies with is a dead letter',
      ],
      ['SQS ITEMS_QUEUE_URL', 'warn', 'dead letters waiting: 1'],
      ['SQS ROUTE_QUEUE_URL', 'fail', expect.stringContaining(`${absent} can't be used: `)],
      ['SQS ROUTE_NOTIFY_QUEUE', 'fail', expect.stringContaining(`${absent} can't be used: `)],
    ]);
    expect(faultsOf(findings).every(({ remedy }) => remedy)).toBe(true);
  });
});

test('a Temporal, or a namespace, that is not there is a failure; the rest is checked', async () => {
  const TEMPORAL_NAMESPACE = uniqueName();

  const [unreachable, unknown] = await Promise.all([
    doctor({ TEMPORAL_ADDRESS: '127.0.0.1:1' }, bucket),
    doctor({ TEMPORAL_NAMESPACE }),
  ]);

  expect([unreachable.code, unknown.code]).toEqual([1, 1]);
  expect(faultsOf(unreachable.findings)).toEqual([
    {
      area: 'Temporal',
      verdict: 'fail',
      message: expect.stringMatching(/^Temporal at 127\.0\.0\.1:1 can't be reached: /),
      remedy: 'start it, or correct TEMPORAL_ADDRESS, the profile, TLS or the API key',
    },
  ]);
  expect(messagesOf(unreachable.findings, `S3 ${bucket}`)).toHaveLength(1);
  expect(faultsOf(unknown.findings)).toEqual([
    {
      area: 'Temporal',
      verdict: 'fail',
      message: expect.stringContaining(`namespace ${TEMPORAL_NAMESPACE}: `),
      remedy: `create it (temporal operator namespace create -n ${TEMPORAL_NAMESPACE} --retention 7d), or set TEMPORAL_NAMESPACE`,
    },
  ]);
});

test('settings that can not be used are a failure, and nothing is checked with them', async () => {
  const { code, findings } = await doctor({ BATCH_SIZE: '0', VERIFY: 'perhaps' });

  expect(code).toBe(1);
  expect(findings.map(({ area, verdict }) => [area, verdict])).toEqual([
    ['Versions', 'pass'],
    ['Settings', 'fail'],
  ]);
  expect(findings[1]?.message.split('\n')).toEqual([
    expect.stringMatching(/^BATCH_SIZE: expected .*, got "0"$/),
    expect.stringMatching(/^VERIFY: expected .*, got "perhaps"$/),
  ]);
});

/** What is found of the suite's stack with these settings and buckets. */
async function doctor(settings: Readonly<Record<string, string>>, ...buckets: readonly string[]) {
  const options = buckets.flatMap((name) => ['--bucket', name]);
  const { code, stdout, stderr } = await sheaf(
    { ...BARE, TASK_QUEUE: taskQueue, ...settings },
    ...['doctor', '--json', ...options],
  );
  expect(stderr).toBe('');
  const findings: Finding[] = JSON.parse(stdout);
  return { code, findings };
}

function faultsOf(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ verdict }) => verdict !== 'pass');
}

function messagesOf(findings: readonly Finding[], wanted: string): string[] {
  return findings.flatMap(({ area, message }) => (area === wanted ? message : []));
}

/** Expects these objects in a bucket, and no upload that is under way. */
async function expectIn(bucket: string, keys: readonly string[]): Promise<void> {
  expect(await listKeys(bucket)).toEqual(keys);
  expect(await listUploads(bucket)).toEqual([]);
}

/** A server that refuses everything, and whose clock is so much ahead; gives its URL. */
async function serverOfTime(offsetMs: number): Promise<string> {
  const server = createServer((_, answer) => {
    answer.writeHead(403, { date: new Date(Date.now() + offsetMs).toUTCString() }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
