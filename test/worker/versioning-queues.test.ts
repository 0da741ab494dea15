import { expect, test, vi } from 'vitest';
import { WAIT } from '../support/holds.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';

/** Queues that the server allows a version; it has two of its own. */
const MAX_QUEUES = 3;

test('batches with queues of their own take none of the queues that a version may have', async () => {
  const temporal = await privateTemporal(undefined, [
    `matching.maxTaskQueuesInDeploymentVersion=${MAX_QUEUES}`,
  ]);
  const client = await temporal.connect();
  const version = { deploymentName: 'sheaf', buildId: 'one' };
  const settings = {
    TEMPORAL_DEPLOYMENT_NAME: version.deploymentName,
    TEMPORAL_WORKER_BUILD_ID: version.buildId,
    ITEMS_BUCKET: 'items',
  };
  await startProcess('worker', settings, temporal.stack);
  const { namespace } = client.options;
  await vi.waitFor(
    () =>
      client.workflowService.setWorkerDeploymentCurrentVersion({
        ...{ ...version, namespace },
        ignoreMissingTaskQueues: true,
      }),
    WAIT,
  );

  for (const batchId of ['a', 'b', 'c']) {
    const job = {
      ...{ batchId, processor: 'sleep', timeScale: 0, itemsPerSecond: 100 },
      source: { generate: { count: 10 } },
    };
    const result = await client.workflow.execute('processItems', {
      ...{ taskQueue: 'sheaf', workflowId: `items-${batchId}`, args: [job] },
      workflowExecutionTimeout: '20 seconds',
    });
    expect(result).toMatchObject({ succeeded: 10 });
  }

  const { versionTaskQueues } = await client.workflowService.describeWorkerDeploymentVersion({
    ...{ namespace, deploymentVersion: version },
  });
  const names = versionTaskQueues?.map(({ name }) => name);
  expect(new Set(names)).toEqual(new Set(['sheaf', 'sheaf-limits']));
});
