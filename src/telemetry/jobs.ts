/** The kinds of jobs, as metrics and logs name them. */
export const JOBS = ['split', 'zip', 'items', 'route'] as const;

/** See {@link JOBS}. */
export type Job = (typeof JOBS)[number];

/** The kinds of jobs, by the types of the workflows that carry them out. */
const JOB_OF_TYPE: Readonly<Record<string, Job>> = {
  splitArchive: 'split',
  buildBatch: 'split',
  zipFiles: 'zip',
  processItems: 'items',
  processShard: 'items',
  routeFile: 'route',
};

/** The kind of job that a workflow is a part of. */
export function jobOf(workflowType: string): Job | undefined {
  return JOB_OF_TYPE[workflowType];
}

/** The client's id of a job, where the id of its run, or of one of its child runs, shows it. */
export function jobIdOf(workflowId: string): string | undefined {
  const [, split, zip, items] =
    /^(?:split-(\d+)-|zip-([^/]+)|items-([^/]+))/.exec(workflowId) ?? [];
  return split ?? zip ?? items;
}
