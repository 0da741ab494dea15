import type { Client } from '@temporalio/client';
import type { RouteResult } from '../messages/route.ts';
import { objectUrl } from '../storage/errors.ts';
import { describeSize, routeProgressQuery } from '../workflows/route-progress.ts';
import type { SplitResult } from '../workflows/split-archive.ts';
import type { JobView } from './job-view.ts';
import type { RunProgress } from './progress-bars.ts';
import { queryRun, unlessUnanswered } from './run-queries.ts';
import { batchTable, splitView } from './split-view.ts';

/** What people are shown of routed files. */
export const routeView: JobView<RouteResult> = {
  readProgress: (client, workflowId) => unlessUnanswered(() => readProgress(client, workflowId)),

  report({ bucket, key, size, threshold, message, states, result }) {
    const location = { bucket: bucket ?? '?', key: key ?? '?' };
    const batches = batchesOf(result);
    return [
      `  ${objectUrl(location)}, ${describeSize(size ?? 0)}, threshold ${describeSize(threshold ?? 0)}`,
      `  ${states.join(' > ')}`,
      `  ${message}`,
      ...(batches ? ['', batchTable({ bucket: location.bucket, batches })] : []),
      ...(!batches && result != null ? ['', `  ${JSON.stringify(result)}`] : []),
    ].join('\n');
  },
};

/** The run's state, with how far the child run is that splits the file. */
async function readProgress(client: Client, workflowId: string): Promise<RunProgress> {
  const { stage, states, child } = await queryRun(client, workflowId, routeProgressQuery);
  const ended = stage === 'done' || stage === 'failed';
  const path = states.map(({ state }) => state).join(' > ');
  const split = child ? await splitView.readProgress(client, child) : undefined;
  return {
    stage: stage === 'failed' ? `${path}, failed` : stage,
    ended,
    tallies: split?.tallies ?? [],
  };
}

/** The batch zips, where the file was split. */
function batchesOf(result: unknown): SplitResult['batches'] | undefined {
  const { batches } = (result ?? {}) as Partial<SplitResult>;
  return Array.isArray(batches) ? batches : undefined;
}
