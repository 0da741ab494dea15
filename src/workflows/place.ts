import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { WorkerPlace } from '../activities/workspace.ts';
import { activityOptions, chunkOptions } from './activity-options.ts';

/** The activities, carried out by the worker at `place`, or by any worker. */
export function activitiesAt(place: WorkerPlace | undefined) {
  if (!place) return proxyActivities<Activities>(activityOptions);
  return proxyActivities<Activities>({
    ...activityOptions,
    taskQueue: place.taskQueue,
    scheduleToStartTimeout: `${place.startTimeoutSeconds} seconds`,
  });
}

/** The activities as chunks of items need them, on a task queue or on the run's own. */
export function chunkActivities(taskQueue: string | undefined) {
  return proxyActivities<Activities>({ ...chunkOptions, ...(taskQueue && { taskQueue }) });
}
