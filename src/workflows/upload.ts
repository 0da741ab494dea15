import { ApplicationFailure, CancellationScope } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { failedWith } from './failure.ts';
import { activitiesAt } from './place.ts';

type MultipartUpload = Parameters<Activities['abandonUpload']>[0];

/** An upload that is gone has been aborted by a lifecycle rule or by hand; nobody does that over and over. */
const MAX_UPLOADS = 3;

/**
 * Makes an object by a multipart upload. The upload's id is in the history before a part is made, so
 * that whichever worker goes on finds the parts of the one before. An upload that was aborted from
 * outside is begun again; one that fails or is cancelled is given up, so that S3 does not keep its parts.
 *
 * @param open begins an upload; undefined where the object is there already
 * @param make makes the parts and completes it
 */
export async function uploadObject<Result>(
  open: () => Promise<MultipartUpload | undefined>,
  make: (upload: MultipartUpload) => Promise<Result>,
): Promise<Result | undefined> {
  const { abandonUpload } = activitiesAt(undefined);
  for (let uploads = 1; ; uploads++) {
    const upload = await open();
    if (!upload) return undefined;
    try {
      return await make(upload);
    } catch (error) {
      await CancellationScope.nonCancellable(() => abandonUpload(upload));
      if (!failedWith(error, 'UploadGoneError')) throw error;
      if (uploads === MAX_UPLOADS) throw abortedTooOften(upload);
    }
  }
}

function abortedTooOften({ bucket, key }: MultipartUpload): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `The upload of s3://${bucket}/${key} was aborted from outside ${MAX_UPLOADS} times; see the bucket's lifecycle rules`,
    'UploadGoneError',
  );
}
