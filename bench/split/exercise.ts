import type { Exercise } from '../contest/exercise.ts';
import type { Archive, ArchiveJob } from './archive.ts';
import { checkParts } from './check-parts.ts';

/** Splitting an archive. */
export function splitting(archive: Archive): Exercise<ArchiveJob> {
  const { fileName: file, base, size, contentBytes, batchSize } = archive;
  const key = `export/${file}`;
  return {
    set: async (s3, place) => {
      await archive.upload(s3, { bucket: place.bucket, key });
      return { ...place, key, file, size, base, contentBytes, batchSize };
    },
    check: (s3, { bucket }) => checkParts(s3, bucket, archive),
  };
}
