import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  type Admission,
  type Certificate,
  type CloudProxy,
  clientCertificate,
  newAuthority,
  startCloudProxy,
} from '../support/cloud-proxy.ts';
import { bareEnvironment, testClient, uniqueTaskQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { readEnv } from '../support/kustomize.ts';
import { startProcess } from '../support/processes.ts';
import type { Called } from '../support/sheaf.ts';
import { tempFolder } from '../support/temp-folder.ts';

const PAGE = new URL('../../docs/temporal-cloud.md', import.meta.url);
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const run = promisify(execFile);

/** What the page has: a namespace, its servers, a key, a folder of certificates. */
const NAMESPACE = 'sheaf-production.a1b2c';
const OF_REGION = 'eu-central-1.aws.api.temporal.io';
const OF_NAMESPACE = `${NAMESPACE}.tmprl.cloud`;
const KEY = 'the-key';
const FOLDER = '/etc/sheaf';

const UNREACHABLE = 3;

type Settings = Record<string, string>;

let client: Client;
let page: string;
let folder: string;
let clientCa: Certificate;

beforeAll(async () => {
  folder = await tempFolder();
  // What the page has in a folder of the system is in one of the test's.
  page = (await readFile(PAGE, 'utf8')).replaceAll(FOLDER, folder);
  clientCa = await newAuthority('clients');
  const { key, cert } = await clientCertificate(clientCa);
  await writeFile(join(folder, 'client.key'), key);
  await writeFile(join(folder, 'client.pem'), cert);
  await writeFile(join(folder, 'temporal.toml'), block('toml file=temporal.toml'));
  client = await testClient();
  await client.workflowService.registerNamespace({
    namespace: NAMESPACE,
    workflowExecutionRetentionPeriod: { seconds: 7 * 24 * 60 * 60 } as never,
  });
});

describe.each([
  ['a profile', () => profile('cloud-api-key')],
  ['variables', () => variables('api-key')],
])('an API key from %s', (_form, settings) => {
  test('is meant for the endpoint of the region, over TLS', () => {
    expect(loadClientConnectConfig({ overrideEnvVars: settings() })).toMatchObject({
      namespace: NAMESPACE,
      connectionOptions: { address: `${OF_REGION}:7233`, apiKey: KEY, tls: true },
    });
  });

  test('lets the command line in, for its namespace', async () => {
    const { proxy, there } = await behind(OF_REGION, { apiKey: KEY });
    await expectList({ ...settings(), ...there });
    expect([...proxy.namespaces]).toEqual([NAMESPACE]);
    expect(proxy.refused()).toBe(0);
  });

  test('lets nobody in who has another one', async () => {
    const { proxy, there } = await behind(OF_REGION, { apiKey: KEY });
    const called = await list({ ...settings(), ...there, TEMPORAL_API_KEY: 'another' });
    expect(called.code).toBe(UNREACHABLE);
    expect(called.stderr).toContain('UNAUTHENTICATED: Request unauthorized.');
    expect(proxy.refused()).toBeGreaterThan(0);
  });
});

describe.each([
  ['a profile', () => profile('cloud-mtls')],
  ['variables', () => variables('mtls')],
  ['variables with what is in the files', () => inlined(variables('mtls'))],
])('a certificate from %s', (_form, read) => {
  test('is meant for the endpoint of the namespace', async () => {
    expect(loadClientConnectConfig({ overrideEnvVars: await read() })).toMatchObject({
      namespace: NAMESPACE,
      connectionOptions: {
        address: `${OF_NAMESPACE}:7233`,
        tls: { clientCertPair: { crt: expect.anything(), key: expect.anything() } },
      },
    });
  });

  test('lets the command line in', async () => {
    const { proxy, there } = await behind(OF_NAMESPACE, { clientCa });
    await expectList({ ...(await read()), ...there });
    expect([...proxy.namespaces]).toEqual([NAMESPACE]);
    expect(proxy.refused()).toBe(0);
  });
});

test('nobody is let in without a certificate, or with one of another authority', async () => {
  const { proxy, there } = await behind(OF_NAMESPACE, { clientCa });
  const namespace = { TEMPORAL_NAMESPACE: NAMESPACE };
  expect((await list({ ...namespace, ...there })).code).toBe(UNREACHABLE);
  const { key, cert } = await clientCertificate(await newAuthority('others'));
  const other = { TEMPORAL_TLS_CLIENT_CERT_DATA: cert, TEMPORAL_TLS_CLIENT_KEY_DATA: key };
  expect((await list({ ...namespace, ...other, ...there })).code).toBe(UNREACHABLE);
  expect(proxy.refused()).toBeGreaterThan(1);
  expect([...proxy.namespaces]).toEqual([]);
});

test('a server whose certificate has another name is not talked to', async () => {
  const { there } = await behind('somewhere.else', { apiKey: KEY });
  const settings = { ...variables('api-key'), ...there, TEMPORAL_TLS_SERVER_NAME: OF_REGION };
  expect((await list(settings)).code).toBe(UNREACHABLE);
});

test.each<[string, string, () => Admission, () => Settings]>([
  ['an API key', OF_REGION, () => ({ apiKey: KEY }), () => variables('api-key')],
  ['a certificate', OF_NAMESPACE, () => ({ clientCa }), () => variables('mtls')],
])('a worker polls with %s', async (_way, name, admission, settings) => {
  const { proxy, there } = await behind(name, admission());
  const taskQueue = uniqueTaskQueue();
  await startProcess('worker', { ...settings(), ...there, TASK_QUEUE: taskQueue });
  await vi.waitFor(async () => {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: NAMESPACE,
      taskQueue: { name: taskQueue },
      taskQueueType: 1,
    });
    expect(pollers).toHaveLength(1);
  }, WAIT);
  expect([...proxy.namespaces]).toEqual([NAMESPACE]);
  expect(proxy.refused()).toBe(0);
});

function profile(name: string): Settings {
  return { TEMPORAL_CONFIG_FILE: join(folder, 'temporal.toml'), TEMPORAL_PROFILE: name };
}

/** The variables of the page, where no file is. */
function variables(name: string): Settings {
  return { ...readEnv(block(`sh profile=${name}`)), TEMPORAL_CONFIG_FILE: join(folder, 'none') };
}

/** Variables that name files, as those that have what is in the files. */
async function inlined(settings: Settings): Promise<Settings> {
  const entries = Object.entries(settings).map(async ([name, value]) =>
    name.startsWith('TEMPORAL_TLS_')
      ? [name.replace(/_PATH$/, '_DATA'), await readFile(value, 'utf8')]
      : [name, value],
  );
  return Object.fromEntries(await Promise.all(entries));
}

function block(info: string): string {
  const [, content] = new RegExp(`^\`\`\`${info}\n(.*?)^\`\`\`$`, 'ms').exec(page) ?? [];
  if (content === undefined) throw new Error(`the page has no block "${info}"`);
  return content;
}

/**
 * A server that asks who is there, and what it takes to reach it in place of the one that the settings
 * name: they stay as they are but for its address, here, and the authority that knows it.
 */
async function behind(
  name: string,
  admission: Admission,
): Promise<{ proxy: CloudProxy; there: Settings }> {
  const proxy = await startCloudProxy(name, admission);
  const there = {
    TEMPORAL_ADDRESS: proxy.address,
    TEMPORAL_TLS_SERVER_CA_CERT_DATA: proxy.serverCa,
    TEMPORAL_TLS_SERVER_NAME: name,
  };
  return { proxy, there };
}

async function expectList(settings: Settings): Promise<void> {
  // A new namespace is known to the server a moment later.
  await vi.waitFor(async () => {
    expect(await list(settings)).toMatchObject({ code: 0, stdout: '[]\n' });
  }, WAIT);
}

/** `sheaf list --json` with these settings alone. */
async function list(settings: Settings): Promise<Called> {
  const env = { ...bareEnvironment(), ...settings };
  return run(process.execPath, [MAIN, 'list', '--json'], { env }).then(
    (printed) => ({ code: 0, ...printed }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}
