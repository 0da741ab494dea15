import type { Workflow } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import { ensureServers } from '../../src/local/locate.ts';
import { uniqueName } from './harness.ts';

/** Starts the pinned time-skipping server; whoever starts it tears it down. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const { testServer } = await ensureServers(['testServer'], process.env);
  const executable = { type: 'existing-path', path: testServer.command } as const;
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
}

/**
 * Runs a workflow to its end, on a worker with these activities and no others. Gives what it ended
 * with, which may be a rejection.
 */
export async function runToEnd<W extends Workflow>(
  env: TestWorkflowEnvironment,
  activities: Partial<Activities>,
  workflowType: string,
  args: Parameters<W>,
): Promise<{ readonly result: ReturnType<W> }> {
  const taskQueue = uniqueName();
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle: { codePath: inject('workflowBundle') },
    activities,
  });
  const options = { taskQueue, workflowId: taskQueue, args: [...args] };
  const result = worker.runUntil(env.client.workflow.execute<Workflow>(workflowType, options));
  await result.catch(() => {});
  return { result: result as ReturnType<W> };
}
