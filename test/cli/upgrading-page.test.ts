import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { beforeAll, expect, test, vi } from 'vitest';
import { WAIT } from '../support/holds.ts';
import { commandsOf, entryFor, type PageShell, pageShell } from '../support/page-shell.ts';
import { type PrivateTemporal, privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';

const PAGE = new URL('../../docs/upgrading.md', import.meta.url);
const DEPLOYMENT = 'sheaf';

/** What is so before a command of the page is called. */
const BEFORE: Record<string, () => Promise<void>> = {
  'temporal worker deployment list': () => startBuild('0.1.0'),
  'temporal worker deployment describe --name': async () => {
    await startItems('items-nightly', '0.1.0');
    await startBuild('0.2.0');
  },
  'temporal workflow count': async () => {
    await startItems('items-later', '0.2.0');
    await expectBuild('items-nightly', '0.1.0');
    await expectBuild('items-nightly/1', '0.1.0');
  },
  'temporal workflow update-options': async () => {
    await startItems('items-last', '0.1.0');
    await expectBuild('items-later', '0.2.0');
  },
};

/** What a command must have printed. */
const AFTER: Record<string, string> = {
  'temporal worker deployment list': 'sheaf',
  'temporal worker deployment set-': 'Successfully set the',
  'temporal worker deployment describe --name': '0.2.0',
  'temporal worker deployment describe-version --deployment-name sheaf --build-id 0.2.0':
    'workflow',
  // The batch and its shard.
  'temporal workflow count': 'Total: 2',
  'temporal workflow describe': 'Pinned',
  'temporal worker deployment describe-version --deployment-name sheaf --build-id 0.1.0':
    'draining',
};

let temporal: PrivateTemporal;
let client: Client;
let shell: PageShell;

beforeAll(async () => {
  temporal = await privateTemporal();
  client = await temporal.connect();
  shell = await pageShell(temporal.stack);
});

test('the commands of docs/upgrading.md do what the page says', { timeout: 180_000 }, async () => {
  const page = await readFile(PAGE, 'utf8');
  const commands = commandsOf(page);

  for (const command of commands) {
    await entryFor(BEFORE, command)?.();
    const expected = expect.stringContaining(entryFor(AFTER, command) ?? '');
    await vi.waitFor(async () => {
      expect({ command, ...(await shell.call(command)) }).toMatchObject({
        ...{ command, code: 0, stdout: expected },
      });
    }, WAIT);
  }

  for (const prefix of [...Object.keys(BEFORE), ...Object.keys(AFTER)]) {
    expect(commands.filter((command) => command.startsWith(prefix))).not.toEqual([]);
  }
});

/** Starts a worker of a build, and waits until Temporal knows its version. */
async function startBuild(build: string): Promise<void> {
  await startProcess(
    'worker',
    {
      ...{ TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT, TEMPORAL_WORKER_BUILD_ID: build },
      ITEMS_BUCKET: 'items',
    },
    temporal.stack,
  );
  await vi.waitFor(async () => {
    const version = { deploymentName: DEPLOYMENT, buildId: build };
    await client.workflowService.describeWorkerDeploymentVersion({
      namespace: client.options.namespace,
      deploymentVersion: version,
    });
  }, WAIT);
}

/** Starts a batch of items that takes longer than the test, and waits until a build has its shard. */
async function startItems(workflowId: string, build: string): Promise<void> {
  const batchId = workflowId.replace('items-', '');
  const source = { generate: { count: 100_000 } };
  const job = { batchId, source, processor: 'sleep', parallelChunks: 1 };
  await writeFile(join(shell.folder, 'job.json'), JSON.stringify(job));
  const started = await shell.call(
    `temporal workflow start --type processItems --task-queue sheaf -w ${workflowId} --input-file job.json`,
  );
  expect(started).toMatchObject({ code: 0 });
  await vi.waitFor(() => expectBuild(`${workflowId}/1`, build), WAIT);
  await expectBuild(workflowId, build);
}

/** The version that a run is pinned to. */
async function expectBuild(workflowId: string, build: string): Promise<void> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  expect(raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion).toMatchObject({
    deploymentName: DEPLOYMENT,
    buildId: build,
  });
}
