import { type MetricMeter, noopMetricMeter } from '@temporalio/common';

/**
 * Our metrics, beside those of Temporal's SDK; the table of docs/monitoring.md is made of them. Names
 * and units as Prometheus has them (https://prometheus.io/docs/practices/naming). `job` is the kind of
 * job: `split`, `zip`, `items` or `route`.
 */
export const METRICS = {
  readBytes: {
    name: 'sheaf_s3_read_bytes_total',
    kind: 'counter',
    labels: ['job'],
    help: 'Bytes that workers have asked S3 for and begun to get',
  },
  copiedBytes: {
    name: 'sheaf_s3_copied_bytes_total',
    kind: 'counter',
    labels: ['job'],
    help: 'Bytes that S3 has copied by itself, by range',
  },
  writtenBytes: {
    name: 'sheaf_s3_written_bytes_total',
    kind: 'counter',
    labels: ['job'],
    help: 'Bytes that workers have written to S3',
  },
  s3Requests: {
    name: 'sheaf_s3_requests_total',
    kind: 'counter',
    labels: ['job', 'operation', 'status'],
    help: 'Requests to S3, each attempt; `status` is `2xx` to `5xx`, or `error` where no answer came',
  },
  parts: {
    name: 'sheaf_parts_total',
    kind: 'counter',
    labels: ['job', 'how'],
    help: 'Parts of multipart uploads that were made, `copied` by S3 or `uploaded` by a worker',
  },
  batches: {
    name: 'sheaf_batches_total',
    kind: 'counter',
    labels: ['job'],
    help: 'Batch zips of split jobs, and archives of zip jobs, that were finished or found finished',
  },
  images: {
    name: 'sheaf_images_total',
    kind: 'counter',
    labels: ['job'],
    help: 'Images in these batch zips, and files in these archives',
  },
  items: {
    name: 'sheaf_items_total',
    kind: 'counter',
    labels: ['job', 'outcome'],
    help: 'Items that were processed, `succeeded` or `failed`, counted as their chunk ends',
  },
  results: {
    name: 'sheaf_results_total',
    kind: 'counter',
    labels: ['job', 'state'],
    help: 'Runs that ended, `done`, `failed` or `cancelled`, their clients told',
  },
  bytesInFlight: {
    name: 'sheaf_bytes_in_flight',
    kind: 'gauge',
    labels: [],
    help: 'Bytes that a worker holds in buffers',
  },
  bytesInFlightLimit: {
    name: 'sheaf_bytes_in_flight_limit',
    kind: 'gauge',
    labels: [],
    help: 'Bytes that a worker may hold in buffers at once: `MAX_BYTES_IN_FLIGHT`',
  },
  messages: {
    name: 'sheaf_messages_total',
    kind: 'counter',
    labels: ['job', 'outcome'],
    help: 'What became of messages: `started` a run, `joined` an open one, was `answered_before`, asked for `nothing`, or was `refused`; a message of several files counts once for each. `held` counts the attempts to start a run that Temporal did not take',
  },
  deadLetters: {
    name: 'sheaf_dead_letters_total',
    kind: 'counter',
    labels: ['job'],
    help: 'Messages that a starter has moved to a dead-letter queue',
  },
  queueMessages: {
    name: 'sheaf_queue_messages',
    kind: 'gauge',
    labels: ['job', 'state'],
    help: "SQS's approximate numbers: `visible` and `in_flight` in the job's queue, `dead` in its dead-letter queue; every starter has the same",
  },
  backlog: {
    name: 'sheaf_task_queue_backlog',
    kind: 'gauge',
    labels: ['task_queue', 'type'],
    help: "Temporal's approximate number of tasks that wait for a worker, of `workflow` or `activity` type; every starter has the same",
  },
  ready: {
    name: 'sheaf_ready',
    kind: 'gauge',
    labels: ['process'],
    help: '1 while the worker runs, or the starter polls; else 0',
  },
  buildInfo: {
    name: 'sheaf_build_info',
    kind: 'gauge',
    labels: ['process', 'version'],
    help: 'Always 1',
  },
} as const satisfies Record<string, MetricDescription>;

interface MetricDescription {
  readonly name: `sheaf_${string}`;
  readonly kind: 'counter' | 'gauge';
  readonly labels: readonly string[];
  readonly help: string;
}

type Metric = keyof typeof METRICS;
type OfKind<Kind> = {
  [Name in Metric]: (typeof METRICS)[Name]['kind'] extends Kind ? Name : never;
}[Metric];
type Labels<Name extends Metric> = Readonly<
  Record<(typeof METRICS)[Name]['labels'][number], string>
>;

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

  #record(metric: Metric, value: number, labels: Record<string, string>): void {
    const record = this.#instruments.get(metric) ?? this.#create(metric);
    record(value, labels);
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
