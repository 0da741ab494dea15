import { type MetricMeter, noopMetricMeter } from '@temporalio/common';
import { JOBS } from './jobs.ts';

/** What has metrics and health. */
const PROCESSES = ['worker', 'starter'] as const;

/** See {@link PROCESSES}. */
export type ProcessName = (typeof PROCESSES)[number];

/** The kind of job. Not `job`: Prometheus itself gives each series a label of that name. */
const ofJob = { job_type: JOBS };

/**
 * Our metrics, beside those of Temporal's SDK; the table of docs/monitoring.md is made of them. Names
 * and units as Prometheus has them (https://prometheus.io/docs/practices/naming). Labels have their
 * values with them, where these are few.
 */
export const METRICS = {
  readBytes: {
    name: 'sheaf_s3_read_bytes_total',
    kind: 'counter',
    labels: ofJob,
    help: 'bytes that workers have asked S3 for and begun to get',
  },
  copiedBytes: {
    name: 'sheaf_s3_copied_bytes_total',
    kind: 'counter',
    labels: ofJob,
    help: 'bytes that S3 has copied by itself, by range',
  },
  writtenBytes: {
    name: 'sheaf_s3_written_bytes_total',
    kind: 'counter',
    labels: ofJob,
    help: 'bytes that workers have written to S3',
  },
  s3Requests: {
    name: 'sheaf_s3_requests_total',
    kind: 'counter',
    labels: { ...ofJob, operation: undefined, status: ['2xx', '3xx', '4xx', '5xx', 'error'] },
    help: 'requests to S3, each attempt, by the class of the answer; `error` is no answer',
  },
  parts: {
    name: 'sheaf_parts_total',
    kind: 'counter',
    labels: { ...ofJob, how: ['copied', 'uploaded'] },
    help: 'parts of multipart uploads, `copied` by S3 or `uploaded` by a worker',
  },
  batches: {
    name: 'sheaf_batches_total',
    kind: 'counter',
    labels: ofJob,
    help: 'batch zips of split jobs and archives of zip jobs that were made, or found made already',
  },
  images: {
    name: 'sheaf_images_total',
    kind: 'counter',
    labels: ofJob,
    help: 'images in these batch zips, files in these archives',
  },
  items: {
    name: 'sheaf_items_total',
    kind: 'counter',
    labels: { ...ofJob, outcome: ['succeeded', 'failed'] },
    help: 'items that were processed; counted as their chunk ends',
  },
  results: {
    name: 'sheaf_results_total',
    kind: 'counter',
    labels: { ...ofJob, state: ['done', 'failed', 'cancelled'] },
    help: 'runs that ended and told their client',
  },
  bytesInFlight: {
    name: 'sheaf_bytes_in_flight',
    kind: 'gauge',
    labels: {},
    help: 'bytes that the worker holds in buffers',
  },
  bytesInFlightLimit: {
    name: 'sheaf_bytes_in_flight_limit',
    kind: 'gauge',
    labels: {},
    help: 'the most that it may hold: `MAX_BYTES_IN_FLIGHT`',
  },
  messages: {
    name: 'sheaf_messages_total',
    kind: 'counter',
    labels: {
      ...ofJob,
      outcome: ['started', 'joined', 'answered_before', 'nothing', 'refused', 'held'],
    },
    help: 'what became of messages, for each run that they ask for; `held` counts attempts to start one that Temporal did not take',
  },
  deadLetters: {
    name: 'sheaf_dead_letters_total',
    kind: 'counter',
    labels: ofJob,
    help: 'messages that the starter has moved to a dead-letter queue',
  },
  queueMessages: {
    name: 'sheaf_queue_messages',
    kind: 'gauge',
    labels: { ...ofJob, state: ['visible', 'in_flight', 'dead'] },
    help: "SQS's approximate numbers of messages in the job's queue and, as `dead`, in its dead-letter queue; every 15 s",
  },
  backlog: {
    name: 'sheaf_task_queue_backlog',
    kind: 'gauge',
    labels: { task_queue: undefined, type: ['workflow', 'activity'] },
    help: "Temporal's approximate number of tasks that wait for a worker in `TASK_QUEUE` and `<TASK_QUEUE>-limits`; every 15 s",
  },
  ready: {
    name: 'sheaf_ready',
    kind: 'gauge',
    labels: { process: PROCESSES },
    help: '1 while the worker runs, or the starter polls; else 0',
  },
  buildInfo: {
    name: 'sheaf_build_info',
    kind: 'gauge',
    labels: { process: PROCESSES, version: undefined },
    help: 'always 1; says what runs',
  },
} as const satisfies Record<string, MetricDescription>;

interface MetricDescription {
  readonly name: `sheaf_${string}`;
  readonly kind: 'counter' | 'gauge';
  readonly labels: Readonly<Record<string, readonly string[] | undefined>>;
  readonly help: string;
}

type Metric = keyof typeof METRICS;
type OfKind<Kind> = {
  [Name in Metric]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[Metric];
type Labels<Name extends Metric> = {
  readonly [Label in keyof (typeof METRICS)[Name]['labels']]: LabelValue<
    (typeof METRICS)[Name]['labels'][Label]
  >;
};
type LabelValue<Values> = Values extends readonly (infer Value)[] ? Value : string;

/** Counts and measures by one of Temporal's meters. In a workflow, by the workflow's own: a replay counts nothing. */
export class Metrics {
  readonly #meter: MetricMeter;
  readonly #instruments = new Map<
    Metric,
    (value: number, labels: Record<string, string>) => void
  >();

  /** @param meter by default one that throws away what it is given */
  constructor(meter: MetricMeter = noopMetricMeter) {
    this.#meter = meter;
  }

  /** Adds to a counter. */
  count<Name extends OfKind<'counter'>>(name: Name, value: number, labels: Labels<Name>): void {
    this.#record(name, value, labels);
  }

  /** Sets a gauge. */
  set<Name extends OfKind<'gauge'>>(name: Name, value: number, labels: Labels<Name>): void {
    this.#record(name, value, labels);
  }

  #record(metric: Metric, value: number, labels: object): void {
    const record = this.#instruments.get(metric) ?? this.#create(metric);
    record(value, labels as Record<string, string>);
  }

  #create(metric: Metric) {
    const { name, kind, help } = METRICS[metric];
    const instrument =
      kind === 'counter'
        ? this.#meter.createCounter(name, undefined, help)
        : this.#meter.createGauge(name, 'int', undefined, help);
    const record = (value: number, labels: Record<string, string>) =>
      'add' in instrument ? instrument.add(value, labels) : instrument.set(value, labels);
    this.#instruments.set(metric, record);
    return record;
  }
}
