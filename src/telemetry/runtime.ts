import type { MetricMeter } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { type Config, ConfigError } from '../config.ts';
import type { Log } from '../log.ts';

/** Fields of the SDK's log lines that say nothing to a reader. */
const NOISE = ['taskToken', 'sdkComponent', 'durationMs', 'isLocal'];

/**
 * Sets up what Temporal's SDK does in the whole process: it logs through our logger, serves metrics
 * where `METRICS_ADDRESS` is set, and leaves signals to us, since one may come before there is a
 * worker. Gives the meter whose metrics are served along with its own.
 *
 * @throws ConfigError where metrics can't be served there
 */
export function installRuntime(log: Log, config: Config): MetricMeter {
  const { APP_DEBUG, METRICS_ADDRESS: bindAddress } = config;
  const logger = new DefaultLogger(APP_DEBUG ? 'DEBUG' : 'INFO', ({ level, message, meta }) => {
    // Our workers have no Nexus services, and some have activities alone.
    if (/^No .* registered, not polling/.test(message)) return;
    const fields = readable(meta ?? {});
    if (level === 'ERROR') log.error(fields, message);
    else if (level === 'WARN') log.warn(fields, message);
    else if (level === 'INFO') log.info(fields, message);
    else log.debug(fields, message);
  });
  const metrics = bindAddress && {
    metrics: { prometheus: { bindAddress }, attachServiceName: false },
  };
  try {
    const { metricMeter } = Runtime.install({
      logger,
      shutdownSignals: [],
      ...(metrics && { telemetryOptions: metrics }),
    });
    return metricMeter;
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(`METRICS_ADDRESS: ${bindAddress} can't be listened on: ${message}`, {
      cause: error,
    });
  }
}

function readable(meta: object): object {
  return Object.fromEntries(
    Object.entries(meta)
      .filter(([name]) => !NOISE.includes(name))
      .map(([name, value]) => [name, value instanceof Error ? value.message : value]),
  );
}
