import type { SplitJob } from '../../src/messages/split.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import type { About, Competitor } from '../contest/competitor.ts';
import { sheafCompetitor } from '../contest/sheaf.ts';
import type { ArchiveJob, SplitTask } from './archive.ts';

/**
 * Sheaf as a splitter of archives.
 *
 * @param settings what makes the variant, e.g. `{ VERIFY: 'off' }`
 */
export function sheaf(
  { id, title }: About,
  settings: Readonly<Record<string, string>>,
  { batchSize }: Pick<SplitTask, 'batchSize'>,
): Competitor<ArchiveJob> {
  return sheafCompetitor(
    { id, title },
    {
      settings: ({ triggers }) => ({
        ...settings,
        BATCH_SIZE: String(batchSize),
        SPLIT_QUEUE_URL: triggers,
      }),
      trigger: ({ bucket, key, file, size }, downloadId, { results }) => {
        const message: SplitJob = {
          downloadId,
          file,
          exportPath: key,
          totalSize: size,
          s3Bucket: bucket,
          updatesQueueUrl: results,
        };
        return {
          // As PHP's json_encode writes it: slashes are escaped.
          body: JSON.stringify(message).replaceAll('/', '\\/'),
          workflowId: () => splitWorkflowId(message),
        };
      },
    },
  );
}
