import { isIP } from 'node:net';
import { z } from 'zod';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const DAY_SECONDS = 24 * 60 * 60;

/** A setting that can't be used. The message names the variable, what was expected and what came. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const count = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most)
    .describe(
      most === Number.MAX_SAFE_INTEGER
        ? `a whole number from ${least} up`
        : `a whole number from ${least} to ${most}`,
    );

const flag = (on: string, off: string) =>
  z
    .enum([on, off])
    .transform((value) => value === on)
    .describe(`${on} or ${off}`);

const text = z.string().min(1).describe('text that is not empty');

const list = z
  .string()
  .transform((names) => names.split(',').flatMap((name) => name.trim() || []))
  .describe('names with commas between them');

const address = z
  .string()
  .refine((value) => isIP(splitAddress(value).host) !== 0 && splitAddress(value).port < 65_536)
  .describe('an IP address and a port, as in 0.0.0.0:9464');

const url = z.url({ protocol: /^https?$/ }).describe('an http or https URL');

/** Every setting that a process of ours reads, its default, and what it may be. The README's table is made of it. */
export const settings = {
  TASK_QUEUE: { schema: text, default: 'sheaf', help: 'Temporal task queue of workers and runs' },
  SPLIT_QUEUE_URL: {
    schema: text,
    default: undefined,
    help: 'SQS queue (URL or name) of split messages; the starter reads it',
  },
  SQS_SOURCE_QUEUE: {
    schema: text,
    default: undefined,
    help: 'SQS queue (URL or name) of zip messages; the starter reads it',
  },
  SQS_DESTINATION_QUEUE: {
    schema: text,
    default: undefined,
    help: 'SQS queue (URL or name) that is told the result of zip jobs',
  },
  ITEMS_QUEUE_URL: {
    schema: text,
    default: undefined,
    help: 'SQS queue (URL or name) of messages for batches of items; the starter reads it',
  },
  ITEMS_BUCKET: {
    schema: text,
    default: undefined,
    help: 'bucket for the failures and the working objects of batches of items; without it that of their file',
  },
  ITEMS_HEARTBEAT_SECONDS: {
    schema: count(1, 10),
    default: '5',
    help: 'seconds between two heartbeats of a chunk of items: what is done twice where its worker is killed, how long a chunk may go on once it is cancelled, and an action each on Temporal Cloud',
  },
  PROCESSORS: {
    schema: list,
    default: '',
    help: 'files (`./mine.js`) or packages with processors of your own, of items or of routed files, with commas between them; the same for all workers',
  },
  ROUTE_QUEUE_URL: {
    schema: text,
    default: undefined,
    help: 'SQS queue (URL or name) of S3 event notifications and other messages for files that are routed by size; the starter reads it',
  },
  ROUTE_NOTIFY_QUEUE: {
    schema: text,
    default: undefined,
    help: 'SQS queue (URL or name) for the notices of routed files whose message names none, as those of S3',
  },
  ROUTE_BUCKET: {
    schema: text,
    default: undefined,
    help: 'bucket of routed files whose message names none',
  },
  ROUTE_KEY: {
    schema: text,
    default: undefined,
    help: 'key of routed files whose message names none',
  },
  ROUTE_THRESHOLD: {
    schema: count(0),
    default: '2000000',
    help: 'bytes that a routed file is compared with, where its message says nothing else',
  },
  ROUTE_RULES: {
    schema: text,
    default: undefined,
    help: 'JSON file with the rules that files are routed by; without it, larger than the threshold is processed, smaller is too small; the same for all workers',
  },
  S3_SOURCE_BUCKET: {
    schema: text,
    default: undefined,
    help: 'bucket of the files of zip jobs that name none',
  },
  S3_DESTINATION_BUCKET: {
    schema: text,
    default: undefined,
    help: 'bucket that the archives of zip jobs go to',
  },
  S3_FILE_PREFIX: { schema: text, default: 'download', help: 'folder of these archives' },
  ARCHIVE_BASE_URL: {
    schema: url,
    default: undefined,
    help: 'what links to archives begin with, e.g. a CDN in front of the bucket; without it they are presigned',
  },
  LINK_EXPIRES: {
    schema: count(1, 7 * DAY_SECONDS),
    default: String(7 * DAY_SECONDS),
    help: 'seconds that a presigned link is valid for, at most seven days; less where the worker has temporary credentials',
  },
  MAX_FILES: { schema: count(1, 1_000_000), default: '100000', help: 'files of a zip job' },
  SHARD_PARTS: {
    schema: count(1, 1000),
    default: '24',
    help: 'parts of an archive (8 MiB and more each) that make a shard: what one worker builds of it at a time',
  },
  MAX_PARALLEL_SHARDS: {
    schema: count(1, 100),
    default: '4',
    help: 'shards of one archive that are built, or deflated, at once',
  },
  BATCH_SIZE: { schema: count(1), default: '2000', help: 'rows a batch zip' },
  IMAGE_COLUMN: {
    schema: text,
    default: 'imageName',
    help: 'manifest column that names the image',
  },
  MAX_PARALLEL_BATCHES: {
    schema: count(1, 500),
    default: '4',
    help: 'batch zips of one run that are built at once',
  },
  VERIFY: {
    schema: flag('on', 'off'),
    default: 'on',
    help: "read each image once and check its CRC-32 (`off` trusts the archive's own numbers)",
  },
  RANGE_COPY: {
    schema: flag('on', 'off'),
    default: 'on',
    help: 'let S3 copy byte ranges by itself (`off` moves every byte through the worker)',
  },
  WORKSPACE: {
    schema: z.enum(['s3', 'disk']).describe('s3 or disk'),
    default: 's3',
    help: 'where archives are worked on: byte ranges in S3, or a folder on a disk; the same for all workers',
  },
  MAX_TMP_SIZE: {
    schema: count(0),
    default: String(7 * GIB),
    help: 'with `WORKSPACE=disk`: archives of more bytes than this (`totalSize`) go to `EFS_PATH`, others to the temp folder',
  },
  EFS_PATH: {
    schema: text,
    default: '/efs/batch',
    help: 'with `WORKSPACE=disk`: folder on a mount that all workers share',
  },
  LOST_WORKER_SECONDS: {
    schema: count(1, 3600),
    default: '60',
    help: 'with `WORKSPACE=disk`: seconds after which a run in the temp folder of a silent worker starts over on another one',
  },
  MAX_BYTES_IN_FLIGHT: {
    schema: count(16 * MIB),
    default: String(64 * MIB),
    help: 'bytes that a worker holds in buffers at once',
  },
  MAX_PARALLEL_UNPACKS: {
    schema: count(1, 100),
    default: '1',
    help: 'TAR and TAR.GZ archives that a worker unpacks at once; each takes 60 MiB beside `MAX_BYTES_IN_FLIGHT`, those of more than 30 GB more',
  },
  MAX_PARALLEL_COPIES: {
    schema: count(1, 100),
    default: '4',
    help: 'range copies that a worker lets S3 make at once',
  },
  MAX_PARALLEL_READS: {
    schema: count(1, 128),
    default: '48',
    help: 'small objects that a worker reads at once for the parts of archives',
  },
  MAX_CONCURRENT_ACTIVITIES: {
    schema: count(1, 1000),
    default: '16',
    help: 'activities that a worker runs at once',
  },
  MAX_BATCHES: {
    schema: count(1, 2000),
    default: '2000',
    help: 'batch zips of one run; more would overflow the history',
  },
  MAX_ENTRIES: { schema: count(1), default: '250000', help: 'entries of an archive' },
  MAX_ENTRY_BYTES: {
    schema: count(1),
    default: String(64 * GIB),
    help: 'bytes of one entry, uncompressed',
  },
  MAX_TOTAL_BYTES: {
    schema: count(1),
    default: String(1024 * GIB),
    help: 'bytes of all entries together, uncompressed',
  },
  MAX_RATIO: {
    schema: count(1),
    default: '1000',
    help: 'uncompressed over compressed bytes of one entry',
  },
  MAX_MANIFEST_BYTES: {
    schema: count(1, 256 * MIB),
    default: String(64 * MIB),
    help: 'bytes of the manifest',
  },
  MAX_ROW_BYTES: {
    schema: count(1),
    default: String(MIB),
    help: 'bytes of one row of a manifest, or of one record of a file of items',
  },
  TEMPORAL_UI_URL: {
    schema: url,
    default: undefined,
    help: "address of Temporal's Web UI, for the links that the command line prints",
  },
  HEALTH_ADDRESS: {
    schema: address,
    default: undefined,
    help: 'IP address and port where a worker or starter answers to `/live` and `/ready`; each process needs its own',
  },
  METRICS_ADDRESS: {
    schema: address,
    default: undefined,
    help: 'IP address and port where a worker or starter serves metrics for Prometheus, at `/metrics`; each process needs its own',
  },
  CLOUDWATCH_NAMESPACE: {
    schema: text,
    default: undefined,
    help: 'CloudWatch namespace of the metric `TaskQueueBacklog`, which the starter then prints to stdout every minute, for the CloudWatch agent or the `awslogs` driver to pick up',
  },
  TEMPORAL_DEPLOYMENT_NAME: {
    schema: text,
    default: undefined,
    help: "name of the workers' deployment, for Temporal's worker versioning; with `TEMPORAL_WORKER_BUILD_ID`",
  },
  TEMPORAL_WORKER_BUILD_ID: {
    schema: text,
    default: undefined,
    help: 'build of these workers: runs stay with the build that they began with; with `TEMPORAL_DEPLOYMENT_NAME`',
  },
  APP_DEBUG: { schema: flag('1', '0'), default: '0', help: '`1` logs at debug level' },
  DEV_MODE: { schema: flag('1', '0'), default: '0', help: '`1` logs for people, `0` as JSON' },
} as const satisfies Record<
  string,
  { schema: z.ZodType<unknown, string>; default: string | undefined; help: string }
>;

type Settings = typeof settings;

/** The settings by name, as values. One without a default is undefined where it is not set. */
export type Config = {
  readonly [Name in keyof Settings]:
    | z.output<Settings[Name]['schema']>
    | (Settings[Name]['default'] extends string ? never : undefined);
};

/** The parts of an IP address with a port; an IPv6 address is in brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/**
 * Reads the settings from an environment, once, at a process's edge. An empty variable counts as
 * unset. Throws {@link ConfigError}, which names every setting that can't be used.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const faults: string[] = [];
  const values = Object.keys(settings).map((name) => {
    try {
      return [name, readSetting(env, name as keyof Settings)];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(error.message);
      return [name, undefined];
    }
  });
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return Object.fromEntries(values);
}

/** Reads one setting, whatever the others are. Throws {@link ConfigError}. */
export function readSetting<Name extends keyof Settings>(
  env: NodeJS.ProcessEnv,
  name: Name,
): Config[Name] {
  const { schema, default: fallback } = settings[name];
  const value = env[name] || fallback;
  if (value === undefined) return undefined as Config[Name];
  const parsed = (schema as z.ZodType).safeParse(value);
  if (parsed.success) return parsed.data as Config[Name];
  throw new ConfigError(`${name}: expected ${schema.description}, got "${value}"`);
}
