import { expect, test, vi } from 'vitest';
import type { Processor } from '../../src/processors/processor.ts';
import { uniqueName } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';

test('a run stays with the build that it began with; those that begin later have the new one', async () => {
  const first = await itemsCase();
  const second = await itemsCase(undefined, first.client, first.taskQueue);
  const deploymentName = uniqueName();
  const source = { generate: { count: 2 } };
  const job = { source, processor: 'named', itemsPerChunk: 1, parallelChunks: 1 };

  const gate = Promise.withResolvers<void>();
  const items: string[] = [];
  await startBuild(first, deploymentName, 'old', async (item) => {
    items.push(`old ${item}`);
    await gate.promise;
  });
  const begun = await first.start(job);
  await vi.waitFor(() => expect(items).toEqual(['old 1-0']), WAIT);

  await startBuild(first, deploymentName, 'new', async (item) => {
    items.push(`new ${item}`);
  });
  const later = await second.start(job);
  await later.result();
  expect(items).toEqual(['old 1-0', 'new 1-0', 'new 1-1']);

  gate.resolve();
  await begun.result();
  expect(items).toEqual(['old 1-0', 'new 1-0', 'new 1-1', 'old 1-1']);
});

/** Starts a worker of a build, and makes it the one that runs begin with. */
async function startBuild(
  { worker, client }: ItemsCase,
  deploymentName: string,
  buildId: string,
  process: (id: string) => Promise<void>,
): Promise<void> {
  const processor: Processor = { name: 'named', process: ({ id }) => process(id) };
  await worker({
    processors: [processor],
    env: { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId },
  });
  const { namespace } = client.options;
  // Temporal hears of a build when it polls.
  await vi.waitFor(
    () =>
      client.workflowService.setWorkerDeploymentCurrentVersion({
        ...{ namespace, deploymentName, buildId },
        ignoreMissingTaskQueues: true,
      }),
    WAIT,
  );
}
