import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Client } from '@temporalio/client';
import { expect, vi } from 'vitest';
import type { SplitJob, SplitSuccess } from '../../src/messages/split.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { listKeys, listUploads, readObject } from './bucket-contents.ts';
import { countMessages, phpBody } from './queues.ts';
import { takeMessages } from './split-case.ts';
import { judgeZip } from './zip-judges.ts';

/** No expectations: a machine that has much else to do may take minutes for some hundred jobs. */
export const LOAD_LIMIT_MS = 900_000;
export const UNDER_LOAD = { timeout: 600_000, interval: 250 };

/** SQS's most. */
const MESSAGES_A_SEND = 10;

/** An archive that many jobs are about. */
export interface LoadArchive {
  readonly bytes: Buffer;
  readonly suffix: '.zip' | '.tar.gz';
}

/** Where the jobs' archives, messages and results lie. */
export interface LoadPlace {
  /** What the archives' names begin with: no other load's on the same Temporal do. */
  readonly name: string;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly bucket: string;
  readonly queueUrl: string;
  readonly deadLetterUrl: string;
  readonly updatesQueueUrl: string;
}

interface LoadJob {
  readonly job: SplitJob;
  readonly archive: LoadArchive;
}

/** Split jobs that are sent through a queue, and what comes of them. Each makes one batch zip. */
export class SplitLoad {
  readonly #place: LoadPlace;
  readonly #sent: LoadJob[] = [];
  readonly #results: SplitSuccess[] = [];
  readonly #keys = new Map<LoadArchive, string>();

  constructor(place: LoadPlace) {
    this.#place = place;
  }

  /** How many have been sent. */
  get sent(): number {
    return this.#sent.length;
  }

  /** Sends a job for each of these archives. */
  async send(archives: readonly LoadArchive[]): Promise<void> {
    const jobs: LoadJob[] = [];
    for (const archive of archives) jobs.push(await this.#jobOf(archive, this.sent + jobs.length));
    this.#sent.push(...jobs);
    for (let at = 0; at < jobs.length; at += MESSAGES_A_SEND) {
      const batch = jobs.slice(at, at + MESSAGES_A_SEND);
      const Entries = batch.map(({ job }, index) => ({
        Id: `${index}`,
        MessageBody: phpBody(job),
      }));
      const { queueUrl: QueueUrl, sqs } = this.#place;
      const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      expect(Failed).toEqual([]);
    }
  }

  /** Takes the results that are there; gives how many have come so far. */
  async results(): Promise<number> {
    const { updatesQueueUrl, sqs } = this.#place;
    this.#results.push(...((await takeMessages(updatesQueueUrl, sqs)) as SplitSuccess[]));
    return this.#results.length;
  }

  /**
   * Asserts that every job was done and told, once; that its batch zip is the one that its archive
   * makes; and that nothing else is left, in the queues or in the bucket.
   */
  async expectAllDone(client: Client): Promise<void> {
    await vi.waitFor(
      async () => expect(await this.results()).toBeGreaterThanOrEqual(this.sent),
      UNDER_LOAD,
    );
    // What a run has to tell is told before its end.
    for (const { job } of this.#sent)
      await client.workflow.getHandle(splitWorkflowId(job)).result();
    await this.results();
    const told = this.#results.toSorted((a, b) => Number(a.downloadId) - Number(b.downloadId));
    expect(told).toEqual(
      this.#sent.map(({ job }) => ({
        function: 'BiospexBatchCreator',
        status: 'success',
        downloadId: job.downloadId,
        batchFiles: [batchZipOf(job)],
      })),
    );
    const { bucket, queueUrl, deadLetterUrl, s3, sqs } = this.#place;
    const nothing = { waiting: 0, inHand: 0 };
    await vi.waitFor(
      async () => expect(await countMessages(queueUrl, sqs)).toEqual(nothing),
      UNDER_LOAD,
    );
    expect(await countMessages(deadLetterUrl, sqs)).toEqual(nothing);
    await this.#expectBatchZips();
    const zips = this.#sent.map(({ job }) => `batch/${batchZipOf(job)}`);
    expect((await listKeys(bucket, s3)).toSorted()).toEqual(
      [...this.#keys.values(), ...zips].toSorted(),
    );
    expect(await listUploads(bucket, s3)).toEqual([]);
  }

  /** One of each archive by the judges' verdict, the others because they are the same. */
  async #expectBatchZips(): Promise<void> {
    const { bucket, s3 } = this.#place;
    const first = new Map<LoadArchive, Buffer>();
    for (const { job, archive } of this.#sent) {
      const zip = await readObject(bucket, `batch/${batchZipOf(job)}`, s3);
      const judged = first.get(archive);
      if (judged) expect(zip.equals(judged), batchZipOf(job)).toBe(true);
      else await judgeZip(zip);
      first.set(archive, judged ?? zip);
    }
  }

  async #jobOf(archive: LoadArchive, downloadId: number): Promise<LoadJob> {
    const { name, bucket: s3Bucket, updatesQueueUrl } = this.#place;
    const file = `${name}-${downloadId}${archive.suffix}`;
    const exportPath = await this.#keyOf(archive);
    const totalSize = archive.bytes.length;
    return {
      job: { downloadId, file, exportPath, totalSize, s3Bucket, updatesQueueUrl },
      archive,
    };
  }

  async #keyOf(archive: LoadArchive): Promise<string> {
    const { bucket: Bucket, s3 } = this.#place;
    const key = this.#keys.get(archive) ?? `export/${this.#keys.size}${archive.suffix}`;
    if (!this.#keys.has(archive)) {
      await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: archive.bytes }));
      this.#keys.set(archive, key);
    }
    return key;
  }
}

function batchZipOf({ file }: SplitJob): string {
  return `${file.replace(/\.(zip|tar\.gz)$/, '')}-part1.zip`;
}
