import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { Sinks } from '@temporalio/workflow';
import type { Log } from '../log.ts';

/** What ties Temporal's work to traces. */
export interface Tracing {
  readonly client: WorkflowClientInterceptor;
  readonly activity: ActivityInterceptorsFactory;
  /** Where spans of workflows leave their sandbox. */
  readonly sinks: InjectedSinks<Sinks>;
  /** Sends what is still to be sent. */
  stop(): Promise<void>;
}

/** What is left to send must not hold up the end of a process for longer (ms). */
const STOP_TIMEOUT_MS = 2_000;

/** The module that workflows are bundled with, for their spans. */
export const TRACED_WORKFLOWS =
  '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js';

/** Whether OpenTelemetry's own settings say where traces go; they are off by default. */
export function isTraced(env: NodeJS.ProcessEnv): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Boolean(endpoint) && env.OTEL_SDK_DISABLED !== 'true';
}

/**
 * Begins to send spans to a collector, as JSON over HTTP, with the standard settings
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables): endpoint, headers,
 * service name, sampler. What can't be sent is dropped, and logged.
 *
 * @param process `worker` or `starter`: the service is `sheaf-worker` or `sheaf-starter` by default
 * @returns undefined where traces are off
 */
export async function startTracing(
  process: string,
  env: NodeJS.ProcessEnv,
  log: Log,
): Promise<Tracing | undefined> {
  if (!isTraced(env)) return undefined;
  // Most processes need none of this.
  const [api, exporters, resources, sdk, temporal] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-node'),
    import('@temporalio/interceptors-opentelemetry'),
  ]);
  const say = (message: string) => log.warn({ reason: message }, 'traces fail');
  const silent = () => {};
  api.diag.setLogger(
    { error: say, warn: say, info: silent, debug: silent, verbose: silent },
    { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const resource = new resources.Resource({ 'service.name': `sheaf-${process}` }).merge(
    resources.detectResourcesSync({ detectors: [resources.envDetectorSync] }),
  );
  const processor = new sdk.BatchSpanProcessor(new exporters.OTLPTraceExporter());
  const provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return {
    client: new temporal.OpenTelemetryWorkflowClientInterceptor(),
    activity: (context) => ({
      inbound: new temporal.OpenTelemetryActivityInboundInterceptor(context),
      outbound: new temporal.OpenTelemetryActivityOutboundInterceptor(context),
    }),
    sinks: { exporter: temporal.makeWorkflowExporter(processor, resource) },
    stop: async () => {
      const timeout = sleep(STOP_TIMEOUT_MS, undefined, { ref: false });
      await Promise.race([provider.shutdown(), timeout]).catch(say);
    },
  };
}
