import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ListBucketsCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Client } from '@temporalio/client';
import getPort from 'get-port';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { settings } from '../../src/config.ts';
import { stackS3, stackSqs } from '../../src/local/clients.ts';
import { QUEUES } from '../../src/local/endpoints.ts';
import { ensureServers, type Program } from '../../src/local/locate.ts';
import { ManagedProcess } from '../../src/local/managed-process.ts';
import { choosePorts, HOST } from '../../src/local/ports.ts';
import { MAX_RECEIVE_COUNT } from '../../src/local/provision.ts';
import { serverEnvironment } from '../../src/local/server-environment.ts';
import { afterwards } from '../support/afterwards.ts';
import { composeService, environmentOf, healthCheckOf, scriptOf } from '../support/compose.ts';
import { type Container, type ContainerHost, containerHost } from '../support/container.ts';
import { imageConfig } from '../support/dockerfile.ts';
import { sampleArchive } from '../support/faults.ts';
import { buildImage } from '../support/image.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { phpBody } from '../support/queues.ts';
import { takeMessages } from '../support/split-case.ts';
import { tempFolder } from '../support/temp-folder.ts';

const run = promisify(execFile);

/** The packages of the image: this clone's, or as `npm run check:image` has it. */
const PACKAGES = process.env.IMAGE_PACKAGES === 'registry' ? 'registry' : 'links';

/** What the image is built, and the servers are started within, ms. */
const SET_UP_MS = PACKAGES === 'registry' ? 600_000 : 120_000;
const WAIT = { timeout: 30_000, interval: 100 };

/** What docker-compose.yml says of Temporal's address, and where it is here. */
let addresses: Record<string, string>;
let host: ContainerHost;
let s3: S3Client;
let sqs: SQSClient;
let temporal: Client;
let temporalCli: Program;

beforeAll(async () => {
  const dir = await tempFolder();
  const programs = await ensureServers(['temporal', 'seaweedfs', 'ministack'], process.env);
  const ports = await choosePorts(dir, {}, 0);
  const region = 'us-east-1';
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    environmentOf(composeService('worker'));
  const endpoints = {
    s3: { endpoint: `http://${HOST}:${ports.s3}`, region, accessKeyId, secretAccessKey },
    sqs: { endpoint: `http://${HOST}:${ports.sqs}`, region },
  };
  temporalCli = programs.temporal;
  s3 = stackS3(endpoints);
  sqs = stackSqs(endpoints);
  const [image, server] = await Promise.all([
    buildImage({ dir: join(dir, 'image'), packages: PACKAGES }),
    privateTemporal(),
    startS3(programs.seaweedfs, join(dir, 's3'), ports),
    startSqs(programs.ministack, join(dir, 'sqs'), ports),
  ]);
  host = containerHost(image);
  temporal = await server.connect();
  addresses = {
    'temporal:7233': server.stack.temporal.address,
    's3.localhost:8333': `${HOST}:${ports.s3}`,
    'sqs:4566': `${HOST}:${ports.sqs}`,
  };
}, SET_UP_MS);

test('the step for the namespace finds Temporal, and the namespace where it is there', async () => {
  const service = composeService('temporal-namespace');
  const { stdout } = await run('sh', ['-ec', scriptOf(service)], {
    env: {
      PATH: [dirname(temporalCli.command), process.env.PATH].join(delimiter),
      ...environmentOf(service, addresses),
    },
  });
  expect(stdout).toMatch(/SERVING\n[\s\S]*NamespaceInfo\.Name +default\n/);
});

test('the init step makes the buckets, and the queues with their dead-letter queues', async () => {
  const init = startService('init', {});
  expect(await init.ended, init.output()).toBe(0);

  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const names = Buckets.map(({ Name }) => Name);
  expect(names).toEqual(expect.arrayContaining(['source-images', 'zip-storage', 'incoming']));
  for (const spec of Object.values(QUEUES)) {
    const { RedrivePolicy = '{}' } = await attributesOf(spec.name);
    const policy = JSON.parse(RedrivePolicy);
    if (!('deadLetters' in spec)) expect(policy).toEqual({});
    else {
      const { QueueArn } = await attributesOf(spec.deadLetters);
      expect(policy).toEqual({ deadLetterTargetArn: QueueArn, maxReceiveCount: MAX_RECEIVE_COUNT });
    }
  }
});

describe('workers and a starter', () => {
  let workers: Running[];
  let starter: Running;

  beforeAll(async () => {
    await startService('init', {}).ended;
    // As `--scale worker=2`: the same service, twice.
    [starter, ...workers] = await Promise.all([
      startProcess('starter', 'starter-1'),
      startProcess('worker', 'worker-1'),
      startProcess('worker', 'worker-2'),
    ]);
  });

  test('say by their health checks when they are ready', async () => {
    const ready = [...workers, starter].map(async ({ service, container, settings }) => {
      await vi.waitFor(async () => {
        expect(await checkHealth(service, settings), container.output()).toBe(0);
      }, WAIT);
      const metrics = await fetch(`http://${settings.METRICS_ADDRESS}/metrics`);
      expect(await metrics.text()).toMatch(/^sheaf_ready\{.*\} 1$/m);
    });
    await Promise.all(ready);
  });

  test('poll side by side, each as process 1', async (context) => {
    if (!host.isolates) context.skip('this machine allows no namespaces: `unshare` fails');
    await vi.waitFor(async () => {
      const { pollers } = await temporal.workflowService.describeTaskQueue({
        namespace: 'default',
        taskQueue: { name: settings.TASK_QUEUE.default },
        taskQueueType: 1,
      });
      const identities = pollers?.map(({ identity }) => identity).sort();
      expect(identities).toEqual(['1@worker-1', '1@worker-2']);
    }, WAIT);
  });

  test('take a message, do what it says, and tell the result', async () => {
    const archive = await sampleArchive({ rows: 5, imageBytes: 100, seed: 8 });
    const file = 'compose.zip';
    const key = { Bucket: 'incoming', Key: `export/${file}` };
    await s3.send(new PutObjectCommand({ ...key, Body: archive }));
    const updatesQueueUrl = await urlOf('updates');
    const job = {
      downloadId: 8,
      file,
      exportPath: key.Key,
      totalSize: archive.length,
      s3Bucket: key.Bucket,
      updatesQueueUrl,
    };
    const message = { QueueUrl: await urlOf('split'), MessageBody: phpBody(job) };
    await sqs.send(new SendMessageCommand(message));

    const results: unknown[] = [];
    await vi.waitFor(async () => {
      results.push(...(await takeMessages(updatesQueueUrl, sqs)));
      const success = { function: 'BiospexBatchCreator', status: 'success', downloadId: 8 };
      expect(results).toEqual([{ ...success, batchFiles: ['compose-part1.zip'] }]);
    }, WAIT);
  });

  test('stop at SIGTERM within the time that they are given', async () => {
    const all = [...workers, starter];
    const times = await Promise.all(all.map(({ container }) => container.stop()));
    for (const [index, { service, container }] of all.entries()) {
      expect(await container.ended, container.output()).toBe(0);
      expect(container.output()).toContain(`${service} stopped`);
      const [, seconds] = /^(\d+)s$/.exec(composeService(service).stop_grace_period ?? '') ?? [];
      expect(times[index]).toBeLessThan(Number(seconds) * 1000);
    }
  });
});

interface Running {
  readonly service: string;
  readonly container: Container;
  /** What is not as in docker-compose.yml. */
  readonly settings: Record<string, string>;
}

/** A worker or a starter; containers have a network each, these need ports of their own. */
async function startProcess(service: string, hostname: string): Promise<Running> {
  const settings = {
    HEALTH_ADDRESS: `${HOST}:${await getPort({ host: HOST })}`,
    METRICS_ADDRESS: `${HOST}:${await getPort({ host: HOST })}`,
  };
  return { service, container: startService(service, settings, hostname), settings };
}

/** A service of ours on the image, with the settings of docker-compose.yml and those given. */
function startService(name: string, settings: Record<string, string>, hostname = name): Container {
  const service = composeService(name);
  const argv = [...imageConfig().entrypoint, ...(service.command ?? [])];
  return host.start(argv, { ...environmentOf(service, addresses), ...settings }, hostname);
}

/** Asks as Docker does, in the container. Gives the exit code. */
function checkHealth(name: string, settings: Record<string, string>) {
  const service = composeService(name);
  const env = { ...environmentOf(service, addresses), ...settings };
  return host.start(healthCheckOf(service), env).ended;
}

async function startS3(program: Program, dir: string, ports: Ports): Promise<void> {
  const service = composeService('s3');
  const replaced = [`-dir=${dir}`, `-ip.bind=${HOST}`, `-s3.port=${ports.s3}`];
  const flagOf = (flag: string) => flag.split('=')[0];
  const flags = (service.command ?? []).map(
    (flag) => replaced.find((other) => flagOf(other) === flagOf(flag)) ?? flag,
  );
  // In a container nothing else has their ports.
  flags.push(
    `-s3.port.grpc=${ports.s3Grpc}`,
    `-master.port=${ports.s3Master}`,
    `-volume.port=${ports.s3Volume}`,
    `-filer.port=${ports.s3Filer}`,
    `-admin.port=${ports.s3Admin}`,
    `-admin.port.grpc=${ports.s3Admin + 10_000}`,
  );
  const check = healthCheckOf(service, { '127.0.0.1:8333': `${HOST}:${ports.s3}` });
  await startServer('s3', dir, [program.command, ...program.args, ...flags], check, {
    ...program.env,
    ...environmentOf(service),
  });
}

async function startSqs(program: Program, dir: string, ports: Ports): Promise<void> {
  const service = composeService('sqs');
  const [, ...check] = healthCheckOf(service, { '127.0.0.1:4566': `${HOST}:${ports.sqs}` });
  await startServer('sqs', dir, [program.command, ...program.args], ['python3', ...check], {
    ...program.env,
    ...environmentOf(service),
    BIND_HOST: HOST,
    GATEWAY_PORT: String(ports.sqs),
    STATE_DIR: dir,
    TMPDIR: dir,
  });
}

type Ports = Awaited<ReturnType<typeof choosePorts>>;

/** Starts one of the servers; ready by its health check. */
async function startServer(
  name: string,
  dir: string,
  [command = '', ...args]: readonly string[],
  [checker = '', ...question]: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  await mkdir(dir);
  const server = new ManagedProcess({
    name,
    command,
    args,
    env: serverEnvironment(process.env, env),
    cwd: dir,
    output: { file: `${dir}.log` },
    ready: async () => {
      await run(checker, question);
    },
    readyTimeoutMs: 60_000,
    stopGraceMs: 5_000,
  });
  afterwards(() => server.kill());
  await server.start();
}

async function urlOf(QueueName: string): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  return QueueUrl;
}

async function attributesOf(queue: string) {
  const command = { QueueUrl: await urlOf(queue), AttributeNames: ['All' as const] };
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand(command));
  return Attributes;
}
