import type { S3Client } from '@aws-sdk/client-s3';
import { deflateGroups } from '../archive/deflate-groups.ts';
import { dosTimeToDate } from '../archive/dos-time.ts';
import type { Budget } from '../storage/budget.ts';
import { type DeflateProgress, deflateFiles } from '../storage/deflate.ts';
import { heartbeating } from './heartbeat.ts';
import type { InspectedFiles } from './inspect-files.ts';
import { deflatedName, ZipObjects } from './zip-objects.ts';

/** The activity that deflates some of an archive's files. */
export function createDeflateGroupActivity(dependencies: {
  readonly s3: S3Client;
  readonly bytes: Budget;
}) {
  const { s3, bytes } = dependencies;
  return {
    /**
     * Deflates one group of files, numbered from 1, into a ZIP among the run's working objects. A retry
     * begins the group anew: there is no place to go on from inside a deflated file.
     */
    async deflateGroup(inspected: InspectedFiles, number: number): Promise<DeflateProgress> {
      return heartbeating<DeflateProgress, DeflateProgress>(async ({ signal, checkpoint }) => {
        const { target, stretches } = inspected;
        const store = new ZipObjects(s3, target.bucket);
        const all = await store.loadFiles(stretches, signal);
        const group = deflateGroups(all.map(({ size }) => size))[number - 1];
        if (!group) throw new RangeError(`Expected a group of the job, got ${number}`);
        const files = all.slice(group.first, group.end).map(({ file, ...object }) => ({
          object,
          name: file.name,
          modified: dosTimeToDate(file),
        }));
        return deflateFiles({
          s3,
          files,
          target: store.locate(deflatedName(number)),
          bytes,
          signal,
          onProgress: checkpoint,
        });
      });
    },
  };
}
