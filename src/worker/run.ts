import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NativeConnection } from '@temporalio/worker';
import { createS3Client, createSqsClient } from '../clients.ts';
import { loadConfig } from '../config.ts';
import { createLog } from '../log.ts';
import { stopSignal } from '../stop-signal.ts';
import { installRuntime } from '../telemetry/runtime.ts';
import { countTraffic } from '../telemetry/s3-traffic.ts';
import { startTelemetry } from '../telemetry/start.ts';
import { isTraced, TRACED_WORKFLOWS } from '../telemetry/tracing.ts';
import { CONNECT_TIMEOUT_MS, connectWithin, temporalSettings } from '../temporal.ts';
import { startWorkers, type WorkersOptions } from './workers.ts';

/**
 * Runs a worker with the settings of an environment until SIGTERM or SIGINT. Tells a parent process
 * over IPC when it polls. Rejects where a setting can't be used or Temporal can't be reached.
 */
export async function runWorker(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env);
  const log = createLog('worker', config);
  const meter = installRuntime(log, config);
  const signal = stopSignal();
  const telemetry = await startTelemetry('worker', config, { env, log, meter });
  const { metrics, health, tracing } = telemetry;
  let connection: NativeConnection | undefined;
  let isForced = false;
  try {
    const { connectionOptions, namespace } = temporalSettings();
    connection = await connectWithin(
      CONNECT_TIMEOUT_MS,
      () => NativeConnection.connect(connectionOptions),
      signal,
    ).catch((error) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    if (!connection) return;
    const s3 = createS3Client();
    countTraffic(s3, metrics);
    const { running, shutdown } = await startWorkers({
      connection,
      namespace,
      taskQueue: config.TASK_QUEUE,
      workflows: workflowSource(env),
      s3,
      sqs: createSqsClient(),
      config,
      log,
      metrics,
      tracing,
    });
    const stop = () => {
      health.setReady(false);
      shutdown();
    };
    health.setReady(true);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
    process.send?.({ type: 'ready' });
    await running.catch((error) => {
      // The SDK has more than one error for a worker that did not come to rest in its time.
      if (!signal.aborted) throw error;
      isForced = true;
      const { message: reason } = error as Error;
      log.warn({ reason }, 'worker did not come to rest; what still runs is left to another one');
    });
    log.info({}, 'worker stopped');
  } finally {
    health.setReady(false);
    // A connection that something still uses can't be closed: it ends with the process.
    if (!isForced) await connection?.close();
    await telemetry.stop();
  }
}

/** The bundle that the build has made, else the sources, which are bundled at start. */
function workflowSource(env: NodeJS.ProcessEnv): WorkersOptions['workflows'] {
  const traced = isTraced(env);
  const name = traced ? 'traced-workflow-bundle.js' : 'workflow-bundle.js';
  const built = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const codePath = env.WORKFLOW_BUNDLE || (existsSync(built) ? built : undefined);
  if (codePath) return { workflowBundle: { codePath } };
  return {
    workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)),
    ...(traced && {
      interceptors: { workflowModules: [fileURLToPath(import.meta.resolve(TRACED_WORKFLOWS))] },
    }),
  };
}
