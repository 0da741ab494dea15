import type { ZipJob } from '../../src/messages/zip.ts';
import { zipWorkflowId } from '../../src/workflows/workflow-ids.ts';
import type { About, Competitor } from '../contest/competitor.ts';
import { sheafCompetitor } from '../contest/sheaf.ts';
import { zipFilesOf } from './exercise.ts';
import type { ObjectsJob } from './objects.ts';

/** Sheaf as a zipper of objects, with default settings. */
export function sheaf(about: About): Competitor<ObjectsJob> {
  return sheafCompetitor(about, {
    settings: ({ triggers, results }, { bucket }) => ({
      SQS_SOURCE_QUEUE: triggers,
      SQS_DESTINATION_QUEUE: results,
      S3_SOURCE_BUCKET: bucket,
      // A rehearsal's archive goes there, too.
      S3_DESTINATION_BUCKET: bucket,
    }),
    trigger: (job) => {
      const { fileList, archiveName } = job;
      const files = fileList ? { fileList } : { files: zipFilesOf(job) };
      const message: ZipJob = { ...files, archiveName };
      return { body: JSON.stringify(message), workflowId: zipWorkflowId };
    },
  });
}
