import { TestWorkflowEnvironment } from '@temporalio/testing';
import { ensureServers } from '../../src/local/locate.ts';

/** Starts the pinned time-skipping server; whoever starts it tears it down. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const { testServer } = await ensureServers(['testServer'], process.env);
  const executable = { type: 'existing-path', path: testServer.command } as const;
  return TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
}
