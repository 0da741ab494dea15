/** What a metric may be asked for. */
export interface Metric {
  readonly name: string;
  /** Its labels; with their values, where these are known. */
  readonly labels: Readonly<Record<string, readonly string[] | undefined>>;
}

interface OwnMetric extends Metric {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
}

const job = ['split', 'zip', 'items', 'route'];

/** The metrics of workers and starters, as docs/monitoring.md lists them. */
export const OWN_METRICS: readonly OwnMetric[] = [
  {
    name: 'sheaf_s3_read_bytes_total',
    type: 'counter',
    labels: { job },
    help: 'bytes that workers read from S3',
  },
  {
    name: 'sheaf_s3_copied_bytes_total',
    type: 'counter',
    labels: { job },
    help: 'bytes that S3 copied by itself',
  },
  {
    name: 'sheaf_s3_written_bytes_total',
    type: 'counter',
    labels: { job },
    help: 'bytes that workers wrote to S3',
  },
  {
    name: 'sheaf_s3_requests_total',
    type: 'counter',
    labels: { job, operation: undefined, status: ['2xx', '3xx', '4xx', '5xx', 'error'] },
    help: 'requests to S3, by the class of the answer; `error` is no answer',
  },
  {
    name: 'sheaf_parts_total',
    type: 'counter',
    labels: { job, how: ['copied', 'uploaded'] },
    help: 'parts of multipart uploads, by who made them: S3, or a worker',
  },
  {
    name: 'sheaf_batches_total',
    type: 'counter',
    labels: { job },
    help: 'batch zips and archives that were finished',
  },
  {
    name: 'sheaf_images_total',
    type: 'counter',
    labels: { job },
    help: 'images and files that were packed',
  },
  {
    name: 'sheaf_items_total',
    type: 'counter',
    labels: { job, outcome: ['succeeded', 'failed', 'skipped'] },
    help: 'items, by how they ended',
  },
  {
    name: 'sheaf_results_total',
    type: 'counter',
    labels: { job, state: ['done', 'failed', 'cancelled'] },
    help: 'runs that ended and told their client',
  },
  {
    name: 'sheaf_bytes_in_flight',
    type: 'gauge',
    labels: {},
    help: 'bytes that the worker holds in buffers',
  },
  {
    name: 'sheaf_bytes_in_flight_limit',
    type: 'gauge',
    labels: {},
    help: 'the most that it may hold (`MAX_BYTES_IN_FLIGHT`)',
  },
  {
    name: 'sheaf_messages_total',
    type: 'counter',
    labels: {
      job,
      outcome: ['started', 'joined', 'answered_before', 'nothing', 'refused', 'held'],
    },
    help: 'what became of messages; `held` ones wait for Temporal',
  },
  {
    name: 'sheaf_dead_letters_total',
    type: 'counter',
    labels: { job },
    help: 'messages that the starter sent to a dead-letter queue',
  },
  {
    name: 'sheaf_queue_messages',
    type: 'gauge',
    labels: { job, state: ['visible', 'in_flight', 'dead'] },
    help: "SQS's approximate numbers of a job's queue and, as `dead`, of its dead-letter queue; every 15 s",
  },
  {
    name: 'sheaf_task_queue_backlog',
    type: 'gauge',
    labels: { task_queue: undefined, type: ['workflow', 'activity'] },
    help: 'tasks that wait for a worker in `TASK_QUEUE` and in `<TASK_QUEUE>-limits`; every 15 s',
  },
  {
    name: 'sheaf_ready',
    type: 'gauge',
    labels: {},
    help: '1 while the worker runs, or the starter polls; else 0',
  },
  {
    name: 'sheaf_build_info',
    type: 'gauge',
    labels: { version: undefined, process: ['worker', 'starter'] },
    help: 'always 1; says what runs',
  },
];

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
