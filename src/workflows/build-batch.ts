import type { BatchOrder, BatchReport } from '../activities/build-batch.ts';
import type { WorkerPlace } from '../activities/workspace.ts';
import { activitiesAt } from './place.ts';
import { uploadObject } from './upload.ts';

/**
 * Builds one batch zip: begins an upload, makes its parts, completes it. Undefined where the very same
 * batch zip is in S3 already.
 *
 * @param place the worker that has the archive's bytes on its disk; undefined where any can read them
 */
export async function buildBatch(
  order: BatchOrder,
  place?: WorkerPlace,
): Promise<BatchReport | undefined> {
  const { openBatch } = activitiesAt(undefined);
  const { assembleBatch } = activitiesAt(place);
  return uploadObject(
    () => openBatch(order),
    (upload) => assembleBatch(order, upload),
  );
}
