/** Names of the S3 buckets that the stack has from the start. */
export const BUCKETS = ['source-images', 'zip-storage', 'items', 'incoming', 'sheaf-demo'] as const;

/**
 * The SQS queues that the stack has from the start, by the name that they have in our settings.
 * `deadLetters` is the queue that a message moves to once it was received five times in vain.
 */
export const QUEUES = {
  zip: { name: 'input-queue', deadLetters: 'input-queue-dlq' },
  zipDlq: { name: 'input-queue-dlq' },
  zipResults: { name: 'zip-results' },
  split: { name: 'split', deadLetters: 'split-dlq' },
  splitDlq: { name: 'split-dlq' },
  updates: { name: 'updates' },
  items: { name: 'items', deadLetters: 'items-dlq' },
  itemsDlq: { name: 'items-dlq' },
  itemsResults: { name: 'items-results' },
  route: { name: 'route', deadLetters: 'route-dlq' },
  routeDlq: { name: 'route-dlq' },
  routeResults: { name: 'route-results' },
} as const satisfies Record<string, QueueSpec>;

export interface QueueSpec {
  name: string;
  deadLetters?: string;
}

export type QueueUrls = Record<keyof typeof QUEUES, string>;

/** Everything that a client of a running stack needs; plain JSON. */
export interface StackEndpoints {
  temporal: {
    /** `host:port` of the gRPC service. */
    address: string;
    namespace: string;
    /** URL of the Web UI. */
    ui: string;
  };
  s3: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string };
  sqs: { endpoint: string; region: string };
  queues: QueueUrls;
  buckets: string[];
}

/** The environment in which a worker, a starter or the command line uses a stack. */
export function stackEnvironment(stack: StackEndpoints): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: stack.temporal.address,
    TEMPORAL_NAMESPACE: stack.temporal.namespace,
    TEMPORAL_UI_URL: stack.temporal.ui,
    AWS_ENDPOINT_URL_S3: stack.s3.endpoint,
    AWS_ENDPOINT_URL_SQS: stack.sqs.endpoint,
    AWS_REGION: stack.s3.region,
    AWS_ACCESS_KEY_ID: stack.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: stack.s3.secretAccessKey,
    SPLIT_QUEUE_URL: stack.queues.split,
    SQS_SOURCE_QUEUE: stack.queues.zip,
    SQS_DESTINATION_QUEUE: stack.queues.zipResults,
    ITEMS_QUEUE_URL: stack.queues.items,
    ITEMS_BUCKET: 'items',
    ROUTE_QUEUE_URL: stack.queues.route,
    ROUTE_NOTIFY_QUEUE: stack.queues.routeResults,
    ROUTE_BUCKET: 'incoming',
    S3_SOURCE_BUCKET: 'source-images',
    S3_DESTINATION_BUCKET: 'zip-storage',
  };
}
