import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, expect, test, vi } from 'vitest';
import { createSqsClient } from '../../src/clients.ts';
import { loadConfig } from '../../src/config.ts';
import { ensureServers } from '../../src/local/locate.ts';
import { ManagedProcess } from '../../src/local/managed-process.ts';
import { choosePorts, HOST } from '../../src/local/ports.ts';
import { serverEnvironment } from '../../src/local/server-environment.ts';
import { findIntakeQueue, INTAKE_QUEUES, intakesOf } from '../../src/starter/intakes.ts';
import { afterwards } from '../support/afterwards.ts';
import { type Resource, readTemplate, type Template } from '../support/cloudformation.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** MiniStack's. */
const ACCOUNT = '000000000000';
const REGION = 'us-east-2';

/** What is not about queues; MiniStack knows nothing of alarms on expressions, for one. */
const LEFT_OUT = /^AWS::(CloudWatch|SNS|S3)::/;

let sqs: SQSClient;

beforeAll(async () => {
  const endpoint = await startCloudFormation();
  sqs = createSqsClient({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
  });
  await createStack(endpoint, queuesOf(readTemplate('data.yaml')));
});

test('the starter finds the queues by the names in its settings, and where their dead letters go', async () => {
  const intakes = await intakesOf(loadConfig(starterEnvironment()), sqs);
  expect(intakes.map(({ job }) => job)).toEqual(Object.keys(INTAKE_QUEUES));
  for (const intake of intakes) {
    const { queueUrl, deadLetterUrl } = await findIntakeQueue(sqs, intake);
    expect(queueUrl).toMatch(new RegExp(`/${ACCOUNT}/sheaf-${intake.job}$`));
    expect(deadLetterUrl).toMatch(new RegExp(`/${ACCOUNT}/sheaf-${intake.job}-dlq$`));
  }
});

test.each(Object.keys(INTAKE_QUEUES))(
  '%s: messages stay for 4 days, dead letters for 14, and come from their queue alone',
  async (job) => {
    const queue = await attributesOf(`sheaf-${job}`);
    expect(queue).toMatchObject({ VisibilityTimeout: '60', MessageRetentionPeriod: '345600' });
    expect(JSON.parse(queue.RedrivePolicy ?? '')).toMatchObject({ maxReceiveCount: 5 });
    const deadLetters = await attributesOf(`sheaf-${job}-dlq`);
    expect(deadLetters.MessageRetentionPeriod).toBe('1209600');
    expect(JSON.parse(deadLetters.RedriveAllowPolicy ?? '')).toEqual({
      redrivePermission: 'byQueue',
      sourceQueueArns: [queue.QueueArn],
    });
  },
);

/** What the template puts into a starter's environment; what is no queue is anything. */
function starterEnvironment(): NodeJS.ProcessEnv {
  const task = readTemplate('service.yaml').Resources.StarterTask as Resource;
  const { Environment } = task.Properties.ContainerDefinitions[0];
  return Object.fromEntries(
    Environment.map(({ Name, Value }: { Name: string; Value: { 'Fn::Sub'?: string } }) => [
      Name,
      Value['Fn::Sub']?.replace(/\$\{Name\}/, 'sheaf') ?? 'any',
    ]),
  );
}

async function attributesOf(QueueName: string): Promise<Record<string, string>> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  return Attributes;
}

function queuesOf(template: Template): object {
  const { Parameters, Resources } = template;
  const kept = Object.entries(Resources).filter(([, { Type }]) => !LEFT_OUT.test(Type));
  const { Conditions } = template as unknown as { Conditions: object };
  return { Parameters, Conditions, Resources: Object.fromEntries(kept) };
}

/** Starts a MiniStack of the test's own, with CloudFormation, which ends with the test. */
async function startCloudFormation(): Promise<string> {
  const dir = await tempFolder();
  await mkdir(join(dir, 'logs'));
  const { ministack: program } = await ensureServers(['ministack'], process.env);
  const { sqs: port } = await choosePorts(dir, {}, 0);
  const endpoint = `http://${HOST}:${port}`;
  const server = new ManagedProcess({
    name: 'MiniStack',
    command: program.command,
    args: program.args,
    env: serverEnvironment(process.env, {
      ...program.env,
      SERVICES: 'cloudformation,sqs',
      BIND_HOST: HOST,
      GATEWAY_PORT: String(port),
      TMPDIR: dir,
      LOG_LEVEL: 'WARNING',
    }),
    cwd: dir,
    output: { file: join(dir, 'logs', 'ministack.log') },
    ready: async () => {
      const { ok } = await fetch(`${endpoint}/_ministack/health`);
      if (!ok) throw new Error('MiniStack is not ready');
    },
    readyTimeoutMs: 60_000,
    stopGraceMs: 5000,
  });
  afterwards(() => server.kill());
  await server.start();
  return endpoint;
}

/** Makes a stack, as CloudFormation's API has it; throws where it does not come up. */
async function createStack(endpoint: string, template: object): Promise<void> {
  const call = async (fields: Record<string, string>) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20260101/${REGION}/cloudformation/aws4_request, SignedHeaders=host, Signature=any`,
      },
      body: new URLSearchParams({ Version: '2010-05-15', StackName: 'sheaf-data', ...fields }),
    });
    return response.text();
  };
  await call({ Action: 'CreateStack', TemplateBody: JSON.stringify(template) });
  await vi.waitFor(
    async () => expect(await call({ Action: 'DescribeStacks' })).toContain('CREATE_COMPLETE'),
    { timeout: 20_000, interval: 100 },
  );
}
