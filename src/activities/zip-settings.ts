import { type Config, ConfigError } from '../config.ts';

/** What a zip run's id begins with; what follows is the id of the job. */
const ID_PREFIX = 'zip-';

/** A bucket that a zip job needs. Throws {@link ConfigError} where this worker has none set. */
export function requiredBucket(
  config: Config,
  name: 'S3_SOURCE_BUCKET' | 'S3_DESTINATION_BUCKET',
): string {
  const bucket = config[name];
  if (bucket) return bucket;
  throw new ConfigError(
    `${name}: expected the name of a bucket, got nothing; set it for all workers of the task queue`,
  );
}

/** The key of a job's archive: its name, else the id of the job, in the folder of archives. */
export function archiveKey(
  config: Config,
  archiveName: string | null | undefined,
  workflowId: string,
): string {
  const folder = config.S3_FILE_PREFIX.split('/').filter(Boolean);
  const jobId = workflowId.startsWith(ID_PREFIX) ? workflowId.slice(ID_PREFIX.length) : workflowId;
  const name = (archiveName ?? jobId.replaceAll('/', '-')).replace(/(?<=.)\.zip$/i, '');
  return [...folder, `${name}.zip`].join('/');
}

/** How a browser saves an archive: under the last segment of its key (RFC 6266, RFC 8187). */
export function contentDisposition(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1);
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  return `attachment; filename="${ascii}"; filename*=UTF-8''${percentEncode(name)}`;
}

/** Everything but RFC 3986's unreserved characters, which `encodeURIComponent` leaves some others beside. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
