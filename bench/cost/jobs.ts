import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { formatBytes } from '../../src/cli/format.ts';
import type { SampleFormat } from '../../src/local/sample-export.ts';
import type { RunRequest } from '../../src/runs/request.ts';
import { itemsRequest, routeRequest, splitRequest, zipRequest } from '../../src/runs/request.ts';
import type { Arena } from '../contest/arena.ts';
import { makeArchive } from '../split/archive.ts';
import { makeObjects, PREFIX } from '../zip/objects.ts';

/** A job whose cost is taken, and what it needs in S3 before. */
export interface CostedJob {
  readonly title: string;
  /** Puts what it works on into the bucket; gives the run. */
  prepare(arena: Arena): Promise<RunRequest>;
}

/** The bucket of all jobs. */
export const BUCKET = 'bench-cost';

export function createBucket({ s3 }: Arena) {
  return s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
}

/** The client's usual export: batch zips of 2,000 rows each. */
export function splitJob(source: SampleFormat, images: number, imageBytes: number): CostedJob {
  const title = `split ${grouped(images)} images, ${source}`;
  return {
    title,
    async prepare({ s3, folder, stack }) {
      const task = { source, images, imageBytes, batchSize: 2000 };
      const archive = await makeArchive({ ...task, shuffle: false, compressible: false }, folder);
      const exportPath = `export/${archive.fileName}`;
      await archive.upload(s3, { bucket: BUCKET, key: exportPath });
      const { fileName: file, size: totalSize } = archive;
      const { updates: updatesQueueUrl } = stack.endpoints.queues;
      const place = { file, exportPath, totalSize, s3Bucket: BUCKET };
      return splitRequest({ downloadId: 'cost', ...place, updatesQueueUrl });
    },
  };
}

/** An archive of objects that lie in one folder. */
export function zipJob(objects: number, objectBytes: number): CostedJob {
  return {
    title: `zip ${grouped(objects)} objects of ${formatBytes(objectBytes)}`,
    async prepare({ s3, signal }) {
      const set = makeObjects({ objects, objectBytes });
      await set.upload(s3, { bucket: BUCKET, checksums: true }, signal);
      const files = set.objects.map(({ name }) => ({ source: PREFIX + name }));
      return zipRequest(`cost-${objects}`, { files });
    },
  };
}

export function itemsJob(count: number): CostedJob {
  return {
    title: `process ${grouped(count)} items`,
    async prepare({ stack }) {
      const { itemsResults: notifyQueueUrl } = stack.endpoints.queues;
      const work = { processor: 'sleep', timeScale: 0, notifyQueueUrl };
      return itemsRequest({ batchId: 'cost', source: { generate: { count } }, ...work });
    },
  };
}

/** A file that is looked at, and is too small. */
export function routeJob(): CostedJob {
  return {
    title: 'route a file that is too small',
    prepare: async () => routeRequest('route-cost', { bucket: BUCKET, key: 'small.txt' }),
  };
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
