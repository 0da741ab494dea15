/** Folder of the batch zips in a job's bucket, a convention of the client. */
export const BATCH_FOLDER = 'batch/';

/** Folder of what runs keep in a bucket only while they are open. */
export const WORKING_FOLDER = 'sheaf/';

/** Whether a key is one that split runs write themselves: routing it again would never end. */
export function isOurs(key: string): boolean {
  return key.startsWith(BATCH_FOLDER) || key.startsWith(WORKING_FOLDER);
}
