import { putObject } from '../../src/storage/objects.ts';
import type { Exercise } from '../contest/exercise.ts';
import { checkArchive } from './check-archive.ts';
import { type ObjectSet, type ObjectsJob, PREFIX } from './objects.ts';

/** Where sheaf puts archives by default; all do as it does. */
const ARCHIVE_FOLDER = 'download/';

/** The largest message that SQS takes (bytes), with what it says beside the files. */
const MAX_FILES_BYTES = 1024 * 1024 - 1000;

/** Zipping a set of objects. */
export function zipping(set: ObjectSet, checksums: boolean): Exercise<ObjectsJob> {
  const keys = set.objects.map(({ name }) => PREFIX + name);
  const archiveName = `${keys.length}-objects-${set.contentBytes}`;
  const target = `${ARCHIVE_FOLDER}${archiveName}.zip`;
  return {
    set: async (s3, place, signal) => {
      const { bucket } = place;
      await set.upload(s3, { bucket, checksums }, signal);
      const job = { ...place, keys, archiveName, target };
      const list = Buffer.from(JSON.stringify({ files: zipFilesOf(job) }));
      if (list.length <= MAX_FILES_BYTES) return job;
      const key = 'files.json';
      await putObject(s3, { bucket, key }, list, signal);
      return { ...job, fileList: `s3://${bucket}/${key}` };
    },
    check: (s3, job, signal) => checkArchive(s3, job, set.objects, signal),
  };
}

/** The files of a job as sheaf is told them. */
export function zipFilesOf({ bucket, keys }: Pick<ObjectsJob, 'bucket' | 'keys'>) {
  return keys.map((key) => ({ source: `s3://${bucket}/${key}` }));
}
