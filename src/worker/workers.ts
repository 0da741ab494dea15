import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { HEARTBEAT_INTERVAL_MS } from '../activities/heartbeat.ts';
import { createActivities } from '../activities/index.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { loadProcessors, type Processors } from '../processors/load.ts';
import { loadRules } from '../routing/load-rules.ts';
import { claimLocalRoot, type LocalRoot } from '../storage/local-root.ts';
import { sweepSharedRoot } from '../storage/shared-root.ts';
import type { Swept } from '../storage/sweep.ts';
import { limitQueue } from '../workflows/limit-queue.ts';
import { LimitedWorkers } from './limited-workers.ts';
import { runStatus } from './run-status.ts';

/** Time that activities get to end by themselves once the worker is told to stop; then they are cancelled. */
const SHUTDOWN_GRACE = '3 seconds';

/** Time after which the worker stops whatever its activities do. */
const SHUTDOWN_FORCE = '10 seconds';

/** Workflows that stay in memory between their tasks. */
const MAX_CACHED_WORKFLOWS = 200;

/**
 * Activities of runs on the worker's own disk that are taken up at once. Nobody else can take them,
 * and one that waits counts as lost: they wait inside, for their bytes, and tell that they live.
 */
const MAX_LOCAL_ACTIVITIES = 500;

/** Limited batches that a worker takes part in at once. Each only waits: chunks have slots of their own. */
const MAX_LIMITED_BATCHES = 500;

/** What a worker process works with. */
export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** The workflows' bundle or sources. */
  readonly workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly config: Config;
  readonly log: Log;
  /** What batches of items can be processed with; what PROCESSORS says by default. */
  readonly processors?: Processors;
  /** Where local workspaces lie; the system's folder for temporary files by default. */
  readonly tmpDir?: string;
}

/** The workers of a process, polling. */
export interface RunningWorkers {
  /** Resolves once they have stopped, and rejects where one fails. */
  readonly running: Promise<void>;
  /** Tells them to stop: what runs gets some seconds to end. */
  shutdown(): void;
}

/**
 * Starts the worker of the task queue that all share; with WORKSPACE=disk also one of a task queue of
 * its own, for the activities of runs that lie on this process's disk, after it has cleared away what
 * earlier lives have left there.
 */
export async function startWorkers(options: WorkersOptions): Promise<RunningWorkers> {
  const { connection, namespace, config, log, s3, sqs, taskQueue } = options;
  const local =
    config.WORKSPACE === 'disk' ? await claimLocalRoot(options.tmpDir ?? tmpdir()) : undefined;
  try {
    const disk = local && { root: local.root, taskQueue: `${taskQueue}-${basename(local.root)}` };
    const processors = options.processors ?? (await loadProcessors(config.PROCESSORS, { s3, sqs }));
    const rules = await loadRules(config.ROUTE_RULES, processors);
    const common = {
      connection,
      namespace,
      maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
      shutdownGraceTime: SHUTDOWN_GRACE,
      shutdownForceTime: SHUTDOWN_FORCE,
    } satisfies Partial<WorkerOptions>;
    const limited: LimitedWorkers = new LimitedWorkers(() => shared);
    const { serve } = limited;
    const activities = createActivities({ s3, sqs, config, processors, rules, serve, disk });
    const shared = { ...common, activities };
    const workers = [
      await Worker.create({
        ...shared,
        ...options.workflows,
        taskQueue,
        maxConcurrentActivityTaskExecutions: config.MAX_CONCURRENT_ACTIVITIES,
        maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
      }),
    ];
    workers.push(
      await Worker.create({
        ...shared,
        taskQueue: limitQueue(taskQueue),
        maxConcurrentActivityTaskExecutions: MAX_LIMITED_BATCHES,
      }),
    );
    if (disk) {
      workers.push(
        await Worker.create({
          ...shared,
          taskQueue: disk.taskQueue,
          maxConcurrentActivityTaskExecutions: MAX_LOCAL_ACTIVITIES,
        }),
      );
    }
    if (local) await clearLeftovers(options, local);
    log.info({ taskQueue, namespace, disk: disk?.root }, 'worker polls');
    return run(workers, limited, local);
  } catch (error) {
    await local?.release();
    throw error;
  }
}

function run(
  workers: readonly Worker[],
  limited: LimitedWorkers,
  local: LocalRoot | undefined,
): RunningWorkers {
  const shutdown = () => {
    limited.shutdown();
    for (const worker of workers) {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    }
  };
  // One that fails takes the others along.
  const all = workers.map((worker) => worker.run().finally(shutdown));
  const running = Promise.allSettled(all)
    .then(() => local?.release())
    .then(() => Promise.all(all))
    .then(() => {});
  return { running, shutdown };
}

async function clearLeftovers(
  { connection, namespace, config, log }: WorkersOptions,
  local: LocalRoot,
) {
  report(local.leftovers, log);
  const isOpen = runStatus(connection, namespace);
  report(await sweepSharedRoot(config.EFS_PATH, isOpen), log);
}

function report({ removed, failed }: Swept, log: Log): void {
  for (const path of removed) log.info({ path }, 'removed a workspace that was left');
  for (const { path, error } of failed) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn(
      { path, error: reason },
      'could not look at, or remove, what may be left of a workspace',
    );
  }
}
