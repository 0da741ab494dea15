import { Command } from 'commander';
import pc from 'picocolors';
import { createS3Client, createSqsClient } from '../clients.ts';
import { type Config, ConfigError, loadConfig } from '../config.ts';
import { checkBucket, checkSource } from '../doctor/check-bucket.ts';
import { checkClock } from '../doctor/check-clock.ts';
import { checkJobQueue, checkResultQueue } from '../doctor/check-queue.ts';
import { checkTemporal } from '../doctor/check-temporal.ts';
import { type Finding, fail, pass } from '../doctor/finding.ts';
import { BATCH_FOLDER } from '../messages/folders.ts';
import { loadProcessors } from '../processors/load.ts';
import { loadRules } from '../routing/load-rules.ts';
import { INTAKE_QUEUES } from '../starter/intakes.ts';
import { connectClient, temporalSettings } from '../temporal.ts';
import { readVersions } from '../versions.ts';
import { TERMINAL_TIMEOUT_MS, useRunningStack } from './connection.ts';
import { EXIT } from './exit-codes.ts';

/** Settings of queues that results go to. */
const RESULT_QUEUES = ['SQS_DESTINATION_QUEUE', 'ROUTE_NOTIFY_QUEUE'] as const;

interface Options {
  readonly bucket?: readonly string[];
  readonly json?: true;
}

/** `sheaf doctor`: says what is wrong with a set-up before a job does. */
export function command(): Command {
  return new Command()
    .description(
      'Checks the settings, Temporal, S3, SQS and the clock with the settings and the credentials of ' +
        'this environment. S3 is checked by trying each call that workers make, on objects under ' +
        'sheaf/doctor-… that are removed again. Exits with 1 where a check fails.',
    )
    .option(
      '--bucket <name>',
      'a bucket of jobs besides those that are set; may be repeated',
      (name: string, others: readonly string[] = []) => [...others, name],
    )
    .option('--json', 'print an array in one line of JSON')
    .action(doctor);
}

async function doctor({ bucket = [], json }: Options): Promise<void> {
  await useRunningStack(process.env);
  const findings: Finding[] = [];
  for await (const found of examine(bucket)) {
    findings.push(...found);
    if (!json) for (const finding of found) console.log(describe(finding));
  }
  if (json) console.log(JSON.stringify(findings));
  if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = EXIT.failed;
}

async function* examine(buckets: readonly string[]): AsyncGenerator<readonly Finding[]> {
  yield [checkVersions()];
  const config = readConfig();
  yield [config instanceof ConfigError ? unusable(config) : pass('Settings', 'can be used')];
  if (config instanceof ConfigError) return;
  const s3 = createS3Client({ maxAttempts: 2 });
  const sqs = createSqsClient({ maxAttempts: 2 });
  try {
    yield [
      await loadProcessors(config.PROCESSORS, { s3, sqs })
        .then((processors) => loadRules(config.ROUTE_RULES, processors))
        .then((rules) =>
          pass('Settings', `PROCESSORS and ROUTE_RULES load; route rules: ${rules.length}`),
        )
        .catch(unusable),
    ];
    let keptSeconds: number | undefined;
    for (const [job, setting] of Object.entries(INTAKE_QUEUES)) {
      const queue = config[setting];
      if (!queue) continue;
      const checked = await checkJobQueue(sqs, job, setting, queue);
      keptSeconds = Math.max(keptSeconds ?? 0, checked.keptSeconds ?? 0);
      yield checked.findings;
    }
    for (const setting of RESULT_QUEUES) {
      const queue = config[setting];
      if (queue) yield [await checkResultQueue(sqs, setting, queue)];
    }
    for (const [name, folders] of writtenBuckets(config, buckets)) {
      yield await checkBucket(s3, name, [...folders]);
    }
    const { S3_SOURCE_BUCKET } = config;
    if (S3_SOURCE_BUCKET) yield await checkSource(s3, S3_SOURCE_BUCKET);
    yield [await checkClock(s3)];
    yield await checkTemporalAt(config, keptSeconds);
  } finally {
    s3.destroy();
    sqs.destroy();
  }
}

function checkVersions(): Finding {
  const { sheaf, node, nodeWanted, temporalSdk } = readVersions();
  const message = `sheaf ${sheaf}, Node.js ${node}, Temporal SDK ${temporalSdk}`;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = nodeWanted.replace('>=', '').split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
    ? pass('Versions', message)
    : fail('Versions', message, `Node.js ${nodeWanted} is needed`);
}

/** The buckets that workers write to, with the folders of what they make there. */
function writtenBuckets(config: Config, others: readonly string[]): Map<string, Set<string>> {
  const { S3_DESTINATION_BUCKET, S3_FILE_PREFIX, ITEMS_BUCKET, ROUTE_BUCKET } = config;
  const folders = new Map<string, Set<string>>();
  const add = (bucket: string | undefined, folder: string) => {
    if (bucket) folders.set(bucket, (folders.get(bucket) ?? new Set()).add(folder));
  };
  add(S3_DESTINATION_BUCKET, `${S3_FILE_PREFIX}/`);
  add(ITEMS_BUCKET, 'items/');
  for (const bucket of [ROUTE_BUCKET, ...others]) add(bucket, BATCH_FOLDER);
  return folders;
}

function readConfig(): Config | ConfigError {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

async function checkTemporalAt(config: Config, keptSeconds: number | undefined) {
  try {
    const { connectionOptions, namespace } = temporalSettings();
    const address = connectionOptions.address ?? 'localhost:7233';
    const client = await connectClient(TERMINAL_TIMEOUT_MS);
    try {
      return [
        pass('Temporal', `${address}, namespace ${namespace}, can be reached`),
        ...(await checkTemporal(client, config.TASK_QUEUE, keptSeconds)),
      ];
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    const remedy = 'start it, or correct TEMPORAL_ADDRESS, the profile, TLS or the API key';
    return [fail('Temporal', (error as Error).message, remedy)];
  }
}

function unusable(error: Error): Finding {
  return fail(
    'Settings',
    error.message,
    'correct it; the README lists every setting, docs/routing.md says what rules are',
  );
}

const MARKS = { pass: pc.green('pass'), warn: pc.yellow('warn'), fail: pc.red('fail') };

function describe({ area, verdict, message, remedy }: Finding): string {
  const line = `  ${MARKS[verdict]}  ${area}: ${message.replaceAll('\n', '\n        ')}`;
  return remedy ? `${line}\n        ${pc.dim(`→ ${remedy}`)}` : line;
}
