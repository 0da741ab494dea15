import type { MetricMeter } from '@temporalio/common';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { readVersions } from '../versions.ts';
import { Health } from './health.ts';
import { Metrics, type ProcessName } from './metrics.ts';
import { startTracing, type Tracing } from './tracing.ts';

/** What a process shows of itself. */
export interface Telemetry {
  readonly metrics: Metrics;
  readonly health: Health;
  /** Undefined where traces are off. */
  readonly tracing: Tracing | undefined;
  /** Sends what is still to be sent, and stops answering. */
  stop(): Promise<void>;
}

/**
 * Begins to show how a process is: its health, its metrics, its traces.
 *
 * @param meter where metrics go
 * @throws ConfigError where an address can't be listened on
 */
export async function startTelemetry(
  process: ProcessName,
  config: Config,
  { env, log, meter }: { env: NodeJS.ProcessEnv; log: Log; meter: MetricMeter | undefined },
): Promise<Telemetry> {
  const metrics = new Metrics(meter);
  metrics.set('buildInfo', 1, { process, version: readVersions().sheaf });
  const health = new Health(process, metrics);
  const { HEALTH_ADDRESS: address } = config;
  const stopServing = address && (await health.serve(address));
  const tracing = await startTracing(process, env, log);
  return {
    metrics,
    health,
    tracing,
    async stop() {
      await tracing?.stop();
      if (stopServing) await stopServing();
    },
  };
}
