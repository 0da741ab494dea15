import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createS3Client, createSqsClient } from '../clients.ts';
import { loadConfig } from '../config.ts';
import { createLog, type Log } from '../log.ts';
import { stopSignal } from '../stop-signal.ts';
import { CONNECT_TIMEOUT_MS, connectWithin, temporalSettings } from '../temporal.ts';
import { startWorkers, type WorkersOptions } from './workers.ts';

/**
 * Runs a worker with the settings of an environment until SIGTERM or SIGINT. Tells a parent process
 * over IPC when it polls. Rejects where a setting can't be used or Temporal can't be reached.
 */
export async function runWorker(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env);
  const log = createLog('worker', config);
  installRuntime(log, config.APP_DEBUG);
  const { connectionOptions, namespace } = temporalSettings();
  const signal = stopSignal();
  const connection = await connectWithin(
    CONNECT_TIMEOUT_MS,
    () => NativeConnection.connect(connectionOptions),
    signal,
  ).catch((error) => {
    if (!signal.aborted) throw error;
  });
  if (!connection) return;
  try {
    const { running, shutdown } = await startWorkers({
      connection,
      namespace,
      taskQueue: config.TASK_QUEUE,
      workflows: workflowSource(env),
      s3: createS3Client(),
      sqs: createSqsClient(),
      config,
      log,
    });
    if (signal.aborted) shutdown();
    else signal.addEventListener('abort', shutdown);
    process.send?.({ type: 'ready' });
    await running;
    log.info({}, 'worker stopped');
  } finally {
    await connection.close();
  }
}

/** The bundle that the build has made, else the sources, which are bundled at start. */
function workflowSource(env: NodeJS.ProcessEnv): WorkersOptions['workflows'] {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  const codePath = env.WORKFLOW_BUNDLE || (existsSync(built) ? built : undefined);
  if (codePath) return { workflowBundle: { codePath } };
  return { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) };
}

/** The SDK logs through our logger, and leaves signals to us: one may come before there is a worker. */
function installRuntime(log: Log, debug: boolean): void {
  const logger = new DefaultLogger(debug ? 'DEBUG' : 'INFO', ({ level, message, meta }) => {
    // Some of our workers have activities alone.
    if (message.startsWith('No workflows registered')) return;
    const { error, ...fields } = meta ?? {};
    const detail = error instanceof Error ? { ...fields, error: error.message } : { ...meta };
    if (level === 'ERROR') log.error(detail, message);
    else if (level === 'WARN') log.warn(detail, message);
    else if (level === 'INFO') log.info(detail, message);
    else log.debug(detail, message);
  });
  Runtime.install({ logger, shutdownSignals: [] });
}
