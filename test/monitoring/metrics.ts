import { METRICS } from '../../src/telemetry/metrics.ts';

/** What a metric may be asked for. */
export interface Metric {
  readonly name: string;
  /** Its labels; with their values, where these are known. */
  readonly labels: Readonly<Record<string, readonly string[] | undefined>>;
}

/** The metrics of workers and starters. Those that workflows count have labels of the SDK's, too. */
export const OWN_METRICS = Object.values(METRICS);

const worker = { namespace: undefined, task_queue: undefined };
const call = { namespace: undefined, operation: undefined };
const workflow = { ...worker, workflow_type: undefined };
const activity = { ...workflow, activity_type: undefined };

/** Those of the SDK's metrics that alerts and dashboard ask for, as a worker of SDK 1.24.0 exposed them. */
export const SDK_METRICS: readonly Metric[] = [
  {
    name: 'temporal_activity_execution_failed',
    labels: { ...activity, failure_reason: undefined },
  },
  { name: 'temporal_activity_schedule_to_start_latency_bucket', labels: worker },
  { name: 'temporal_activity_succeed_endtoend_latency_count', labels: activity },
  { name: 'temporal_activity_task_received', labels: activity },
  { name: 'temporal_long_request_failure', labels: call },
  { name: 'temporal_num_pollers', labels: { ...worker, poller_type: undefined } },
  { name: 'temporal_request', labels: call },
  { name: 'temporal_request_failure', labels: call },
  { name: 'temporal_request_latency_bucket', labels: call },
  { name: 'temporal_sticky_cache_miss', labels: worker },
  { name: 'temporal_sticky_cache_size', labels: worker },
  { name: 'temporal_worker_start', labels: worker },
  {
    name: 'temporal_worker_task_slots_available',
    labels: { ...worker, worker_type: ['ActivityWorker', 'WorkflowWorker', 'LocalActivityWorker'] },
  },
  {
    name: 'temporal_worker_task_slots_used',
    labels: { ...worker, worker_type: ['ActivityWorker', 'WorkflowWorker', 'LocalActivityWorker'] },
  },
  { name: 'temporal_workflow_canceled', labels: workflow },
  { name: 'temporal_workflow_failed', labels: workflow },
  {
    name: 'temporal_workflow_task_execution_failed',
    labels: { ...workflow, failure_reason: undefined },
  },
  { name: 'temporal_workflow_task_queue_poll_succeed', labels: worker },
  { name: 'temporal_workflow_task_schedule_to_start_latency_bucket', labels: worker },
];
