import { tmpdir } from 'node:os';
import { basename } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { HEARTBEAT_INTERVAL_MS } from '../activities/heartbeat.ts';
import { createActivities } from '../activities/index.ts';
import { type Config, ConfigError } from '../config.ts';
import type { Log } from '../log.ts';
import { loadProcessors, type Processors } from '../processors/load.ts';
import { loadRules } from '../routing/load-rules.ts';
import { Budget } from '../storage/budget.ts';
import { claimLocalRoot, type LocalRoot } from '../storage/local-root.ts';
import { sweepSharedRoot } from '../storage/shared-root.ts';
import type { Swept } from '../storage/sweep.ts';
import { activityLogFields } from '../telemetry/activity-log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { limitQueue } from '../workflows/limit-queue.ts';
import { LimitedWorkers } from './limited-workers.ts';
import { runStatus } from './run-status.ts';

/** Time that activities get to end by themselves once the worker is told to stop; then they are cancelled. */
const SHUTDOWN_GRACE = '3 seconds';

/** Time after which the worker stops whatever its activities do. */
export const SHUTDOWN_FORCE = '10 seconds';

/** Workflows that stay in memory between their tasks. */
const MAX_CACHED_WORKFLOWS = 200;

/**
 * Activities of runs on the worker's own disk that are taken up at once. Nobody else can take them,
 * and one that waits counts as lost: they wait inside, for their bytes, and tell that they live.
 */
const MAX_LOCAL_ACTIVITIES = 500;

/** Limited batches that a worker takes part in at once. Each only waits: chunks have slots of their own. */
const MAX_LIMITED_BATCHES = 500;

/** Pauses between two looks at the bytes in flight (ms). */
const MEASURE_INTERVAL_MS = 1_000;

/** What a worker process works with. */
export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** The workflows' bundle or sources. */
  readonly workflows: Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'interceptors'>;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly config: Config;
  readonly log: Log;
  /** What is counted goes there; nowhere by default. */
  readonly metrics?: Metrics;
  /** Where spans go, if anywhere. */
  readonly tracing?: Tracing | undefined;
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
  const { connection, namespace, config, log, s3, sqs, taskQueue, tracing } = options;
  const local =
    config.WORKSPACE === 'disk' ? await claimLocalRoot(options.tmpDir ?? tmpdir()) : undefined;
  try {
    const disk = local && { root: local.root, taskQueue: `${taskQueue}-${basename(local.root)}` };
    const processors = options.processors ?? (await loadProcessors(config.PROCESSORS, { s3, sqs }));
    const rules = await loadRules(config.ROUTE_RULES, processors);
    const { workflowModules = [] } = options.workflows.interceptors ?? {};
    const common = {
      connection,
      namespace,
      maxHeartbeatThrottleInterval: HEARTBEAT_INTERVAL_MS,
      shutdownGraceTime: SHUTDOWN_GRACE,
      shutdownForceTime: SHUTDOWN_FORCE,
      interceptors: {
        workflowModules,
        activity: [activityLogFields, ...(tracing ? [tracing.activity] : [])],
      },
      ...(tracing && { sinks: tracing.sinks }),
    } satisfies Partial<WorkerOptions>;
    const limited: LimitedWorkers = new LimitedWorkers(() => shared);
    const { serve } = limited;
    const bytes = new Budget(config.MAX_BYTES_IN_FLIGHT);
    const activities = createActivities({ s3, sqs, config, processors, rules, bytes, serve, disk });
    const shared = { ...common, activities };
    const version = versioning(config);
    const workers = [
      await Worker.create({
        ...shared,
        ...version,
        ...options.workflows,
        interceptors: shared.interceptors,
        taskQueue,
        maxConcurrentActivityTaskExecutions: config.MAX_CONCURRENT_ACTIVITIES,
        maxCachedWorkflows: MAX_CACHED_WORKFLOWS,
      }),
    ];
    workers.push(
      await Worker.create({
        ...shared,
        ...version,
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
    const { running, shutdown } = run(workers, limited, local);
    const stopMeasuring = measure(bytes, options.metrics);
    return { running: running.finally(stopMeasuring), shutdown };
  } catch (error) {
    await local?.release();
    throw error;
  }
}

/**
 * Runs stay with the build that they began with; undefined settings leave all builds alike.
 *
 * For the two queues that all workers share alone. Those of a limited batch and of a process's disk are
 * polled by workers of the right build in any case, and a version may have so many queues (100 by
 * default) and no more: the next one would never be given anything.
 */
function versioning(config: Config): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = config;
  if (!deploymentName && !buildId) return {};
  if (!deploymentName || !buildId) {
    throw new ConfigError(
      'TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID: expected both, for worker versioning, or neither; got one',
    );
  }
  return {
    workerDeploymentOptions: {
      version: { deploymentName, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}

/** Shows how much of a budget of bytes is taken, until it is told to stop. */
function measure(bytes: Budget, metrics: Metrics | undefined): () => void {
  metrics?.set('bytesInFlightLimit', bytes.limit, {});
  const timer = setInterval(
    () => metrics?.set('bytesInFlight', bytes.taken, {}),
    MEASURE_INTERVAL_MS,
  );
  return () => clearInterval(timer);
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
