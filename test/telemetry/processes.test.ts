import { beforeAll, expect, test, vi } from 'vitest';
import type { SplitResult } from '../../src/workflows/split-archive.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { uniqueQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { phpBody, receiveAll, sendBody } from '../support/queues.ts';
import { sheaf } from '../support/sheaf.ts';
import { splitCase } from '../support/split-case.ts';
import { freeAddress, scrape, sumOf, traceCollector } from '../support/telemetry.ts';
import { zipArchive } from '../support/test-archives.ts';

/** A sender's own trace, as in https://www.w3.org/TR/trace-context. */
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

/** Two batch zips, the bulk of each in a range that S3 copies. */
const IMAGES = 60;

let seen: Awaited<ReturnType<typeof splitInSight>>;
beforeAll(async () => {
  seen = await splitInSight();
}, 90_000);

/** Has a worker and a starter that show all they can do a split, and refuse a message. */
async function splitInSight() {
  const collector = await traceCollector();
  const split = await splitCase(zipArchive(plainExport(IMAGES, 200_000)).bytes);
  const { url, deadLetterUrl = '' } = await uniqueQueue({ maxReceiveCount: 3 });
  const processOf = async (name: 'worker' | 'starter', env: Record<string, string>) => {
    const [HEALTH_ADDRESS, METRICS_ADDRESS] = [await freeAddress(), await freeAddress()];
    const started = await startProcess(name, {
      ...{ TASK_QUEUE: split.taskQueue, SPLIT_QUEUE_URL: url, BATCH_SIZE: String(IMAGES / 2) },
      ...{ HEALTH_ADDRESS, METRICS_ADDRESS, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
      ...env,
    });
    return { ...started, health: HEALTH_ADDRESS, scrape: () => scrape(METRICS_ADDRESS) };
  };
  const [worker, starter] = await Promise.all([
    // Its workflows are bundled anew, with what traces them.
    processOf('worker', { WORKFLOW_BUNDLE: '' }),
    processOf('starter', { CLOUDWATCH_NAMESPACE: 'Archives' }),
  ]);
  await sendBody(url, 'no JSON');
  await sendBody(url, phpBody(split.job), {
    traceparent: { DataType: 'String', StringValue: TRACEPARENT },
  });
  const run = split.client.workflow.getHandle(splitWorkflowId(split.job));
  const results: Awaited<ReturnType<typeof receiveAll>> = [];
  await vi.waitFor(async () => {
    results.push(...(await receiveAll(split.job.updatesQueueUrl)));
    expect(results).toHaveLength(1);
    expect(await receiveAll(deadLetterUrl)).toHaveLength(1);
  }, WAIT);
  const result = (await run.result()) as SplitResult;
  return { split, worker, starter, collector, run, result, answer: results[0] };
}

test('a worker counts the bytes, parts, batch zips and images of its jobs, as their results have them', async () => {
  const { worker, result } = seen;
  const samples = await worker.scrape();
  const count = (name: string, labels = {}) =>
    sumOf(samples, name, { job_type: 'split', ...labels });

  expect(count('sheaf_s3_copied_bytes_total')).toBe(result.bytesCopied);
  expect(result.bytesCopied).toBeGreaterThan(5 * 1024 * 1024);
  expect(count('sheaf_s3_written_bytes_total')).toBe(result.bytesWritten);
  // Beside the bytes of the archive, the layouts of the batch zips.
  expect(count('sheaf_s3_read_bytes_total')).toBeGreaterThan(result.bytesRead);
  expect(count('sheaf_s3_read_bytes_total')).toBeLessThan(result.bytesRead * 1.001);
  expect(count('sheaf_parts_total', { how: 'copied' })).toBe(
    count('sheaf_s3_requests_total', { operation: 'UploadPartCopy', status: '2xx' }),
  );
  expect(count('sheaf_s3_requests_total', { operation: 'CompleteMultipartUpload' })).toBe(2);
  expect(count('sheaf_batches_total')).toBe(2);
  expect(count('sheaf_images_total')).toBe(IMAGES);
  expect(count('sheaf_results_total', { state: 'done' })).toBe(1);
  expect(sumOf(samples, 'sheaf_bytes_in_flight_limit')).toBe(64 * 1024 * 1024);
  expect(sumOf(samples, 'sheaf_ready', { process: 'worker' })).toBe(1);
  expect(sumOf(samples, 'temporal_workflow_completed')).toBe(3);
});

test('a starter counts messages and dead letters, and shows what waits in SQS and Temporal', async () => {
  const { starter, split } = seen;
  let samples = await starter.scrape();
  const count = (name: string, labels = {}) =>
    sumOf(samples, name, { job_type: 'split', ...labels });

  expect(count('sheaf_messages_total', { outcome: 'started' })).toBe(1);
  expect(count('sheaf_messages_total', { outcome: 'refused' })).toBe(1);
  expect(count('sheaf_dead_letters_total')).toBe(1);
  await vi.waitFor(async () => {
    samples = await starter.scrape();
    expect(count('sheaf_queue_messages', { state: 'dead' })).toBe(1);
  }, WAIT);
  expect(count('sheaf_queue_messages', { state: 'visible' })).toBe(0);
  expect(count('sheaf_queue_messages', { state: 'in_flight' })).toBe(0);
  const ofQueue = { task_queue: split.taskQueue };
  expect(sumOf(samples, 'sheaf_task_queue_backlog', ofQueue)).toBe(0);
  expect(sumOf(samples, 'sheaf_ready', { process: 'starter' })).toBe(1);
});

test('a starter prints the backlog for CloudWatch', async () => {
  const { starter, split } = seen;
  const lines = starter.log().split('\n');
  const metric = JSON.parse(lines.find((line) => line.startsWith('{"_aws"')) ?? '{}');

  expect(metric).toMatchObject({
    _aws: {
      CloudWatchMetrics: [
        {
          Namespace: 'Archives',
          Dimensions: [['TaskQueue']],
          Metrics: [{ Name: 'TaskQueueBacklog', Unit: 'Count' }],
        },
      ],
    },
    TaskQueue: split.taskQueue,
    TaskQueueBacklog: 0,
  });
});

test('log lines are JSON that says which run, job and object they are about', async () => {
  const { worker, starter, split, run } = seen;
  const lines = worker.log().trim().split('\n');
  const ended = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'run ended');
  const { s3Bucket: bucket, exportPath: key } = split.job;

  expect(ended).toMatchObject({
    ...{ level: 'info', name: 'worker', workflowId: run.workflowId },
    ...{ job: 'split', jobId: '4711', bucket, key, state: 'done' },
  });
  expect(starter.log()).toContain(`"workflowId":"${run.workflowId}"`);
  // No link that lets its reader in, and no secret.
  expect(worker.log() + starter.log()).not.toMatch(/X-Amz-|sheaf-secret/);
});

test('one trace goes from the message to its result, through all of the run', async () => {
  const { collector, answer } = seen;
  const spansOf = (service: string, name: string | RegExp) =>
    collector.spans.filter((span) => span.service === service && span.name.match(name));
  await vi.waitFor(() => {
    expect(spansOf('sheaf-worker', /^send /)).toHaveLength(1);
    // The run ends after its result is out.
    expect(spansOf('sheaf-worker', 'RunActivity:removeWorkingObjects')).toHaveLength(1);
    expect(spansOf('sheaf-starter', 'StartWorkflow:splitArchive')).toHaveLength(1);
  }, WAIT);

  const [sent] = spansOf('sheaf-worker', /^send /);
  const path: string[] = [];
  let at = sent;
  while (at) {
    path.unshift(at.name.replace(/ .*/, ''));
    const { parentSpanId } = at;
    at = collector.spans.find(({ spanId }) => spanId === parentSpanId);
  }
  expect(path).toEqual([
    ...['process', 'StartWorkflow:splitArchive', 'RunWorkflow:splitArchive'],
    ...['StartActivity:sendResult', 'RunActivity:sendResult', 'send'],
  ]);
  expect(new Set(spansOf('sheaf-worker', '').map(({ traceId }) => traceId))).toEqual(
    new Set([TRACE_ID]),
  );
  expect(spansOf('sheaf-worker', 'RunWorkflow:buildBatch')).toHaveLength(2);
  // Whoever reads the result goes on with the trace.
  expect(answer?.MessageAttributes?.traceparent?.StringValue).toBe(
    `00-${TRACE_ID}-${sent?.spanId}-01`,
  );
});

test('a process is ready while it takes work, and says so', async () => {
  for (const process of [seen.worker, seen.starter]) {
    const ask = (path: string) => fetch(`http://${process.health}${path}`).then((r) => r.status);
    expect(await Promise.all(['/live', '/ready', '/'].map(ask))).toEqual([200, 200, 404]);
    const { code, stdout } = await sheaf({ HEALTH_ADDRESS: process.health }, 'health');
    expect([code, stdout]).toEqual([0, 'ok\n']);
  }
});

// The last one: it ends them.
test('a process that has ended is not ready', async () => {
  const { worker, starter } = seen;
  await Promise.all([worker.stop(), starter.stop()]);
  const { code, stderr } = await sheaf({ HEALTH_ADDRESS: worker.health }, 'health');
  expect(code).toBe(3);
  expect(stderr).toContain(`Nothing answers at ${worker.health}`);
});
