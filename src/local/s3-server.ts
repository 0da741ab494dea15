import { join } from 'node:path';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { stackS3 } from './clients.ts';
import { BUCKETS, type StackEndpoints } from './endpoints.ts';
import type { Program } from './locate.ts';
import { ManagedProcess } from './managed-process.ts';
import { HOST, SEAWEEDFS_GRPC_OFFSET, type StackPorts } from './ports.ts';
import { provisionBuckets } from './provision.ts';
import { serverEnvironment, startAdvice } from './server-environment.ts';

/** Long: it reads the indexes of all its volumes. */
const READY_TIMEOUT_MS = 60_000;
/** Its parts end one after the other, in 1 to 2 s; objects survive SIGKILL too. */
const STOP_GRACE_MS = 5000;
/** Go's heap would otherwise grow to over 1 GB under load; at half of this, collecting garbage doubles the cost of a copy. */
const MEMORY_LIMIT = '800MiB';
/**
 * Each bucket takes a volume of its own at least, and by default there are only as many as
 * gigabytes are free on the disk. A volume takes no space before it is written to.
 */
const MAX_VOLUMES = 1000;
/** Holds the object that tells whether the store is ready; in no list of buckets that we give out. */
const PROBE = { Bucket: 'sheaf-ready', Key: 'probe' };

/** SeaweedFS as an S3 server, with its files in `dir`, and the stack's buckets once it is ready. */
export function s3Server(
  program: Program,
  dir: string,
  ports: StackPorts,
  s3: StackEndpoints['s3'],
  env: NodeJS.ProcessEnv,
): ManagedProcess {
  const client = stackS3({ s3 }, 1);
  const own = {
    ...program.env,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    GOMEMLIMIT: MEMORY_LIMIT,
  };
  return new ManagedProcess({
    name: 'SeaweedFS',
    command: program.command,
    args: [...program.args, 'mini', ...flags(join(dir, 's3'), ports)],
    env: serverEnvironment(env, own),
    cwd: join(dir, 's3'),
    output: { file: join(dir, 'logs', 's3.log') },
    ready: async () => {
      await probe(client);
      await provisionBuckets(client, BUCKETS);
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopGraceMs: STOP_GRACE_MS,
    advice: startAdvice(program),
  });
}

function flags(dir: string, ports: StackPorts): string[] {
  return [
    `-dir=${dir}`,
    `-ip=${HOST}`,
    `-ip.bind=${HOST}`,
    `-s3.port=${ports.s3}`,
    `-s3.port.grpc=${ports.s3Grpc}`,
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    `-master.port=${ports.s3Master}`,
    `-volume.port=${ports.s3Volume}`,
    `-filer.port=${ports.s3Filer}`,
    `-admin.port=${ports.s3Admin}`,
    // Its maintenance worker looks for the admin server there, whatever the other flags say.
    `-admin.port.grpc=${ports.s3Admin + SEAWEEDFS_GRPC_OFFSET}`,
    `-volume.max=${MAX_VOLUMES}`,
    '-volume.preStopSeconds=0',
    '-master.vacuumIntervalSeconds=30',
    '-master.telemetry=false',
    '-metricsPort=0',
    '-admin.ui=false',
    '-webdav=false',
  ];
}

/**
 * Reads the object that the last start left, then writes it anew: after a restart the server
 * answers some time before the volumes are there that hold its objects.
 */
async function probe(client: S3Client): Promise<void> {
  await provisionBuckets(client, [PROBE.Bucket]);
  await readProbe(client).catch((error) => {
    if (!(error instanceof NoSuchKey)) throw error;
  });
  const written = new Date().toISOString();
  await client.send(new PutObjectCommand({ ...PROBE, Body: written }));
  const read = await readProbe(client);
  if (read !== written) throw new Error(`an object that was just written reads as ${read}`);
}

async function readProbe(client: S3Client): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand(PROBE));
  return Body?.transformToString();
}
