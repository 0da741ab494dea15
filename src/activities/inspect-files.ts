import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { deflateGroups } from '../archive/deflate-groups.ts';
import { dosTime } from '../archive/dos-time.ts';
import { type EntryPaths, entryPaths } from '../archive/entry-paths.ts';
import { LimitError } from '../archive/errors.ts';
import type { Config } from '../config.ts';
import { parseBody } from '../messages/parse.ts';
import {
  baseNameOf,
  fileListSchema,
  parseSource,
  type RenamedFile,
  type ZipFile,
  type ZipJob,
} from '../messages/zip.ts';
import { type ObjectLocation, objectUrl, SourcesError } from '../storage/errors.ts';
import { type InspectOptions, inspectObjects } from '../storage/inspect-objects.ts';
import { getObject, headObject, type SourceHead } from '../storage/objects.ts';
import { METADATA_LAYOUT } from './build-batch.ts';
import { capped } from './capped.ts';
import { heartbeating } from './heartbeat.ts';
import { listUrls } from './list-urls.ts';
import { currentRun } from './working-objects.ts';
import {
  type InspectedFile,
  type InspectedStretch,
  stretchName,
  ZipObjects,
} from './zip-objects.ts';
import { archiveKey, requiredBucket } from './zip-settings.ts';

/** Files that are looked at, and written down, together: what a retry asks again at most. */
const STRETCH_FILES = 5000;

/** Of the format of fingerprints: another one makes every archive anew. */
const FINGERPRINT_FORMAT = 1;

/** The files of a job as a run takes them up. Small: what is large lies in S3. */
export interface InspectedFiles {
  /** Where the archive goes. */
  readonly target: ObjectLocation;
  readonly files: number;
  /** Bytes of all files together. */
  readonly bytes: number;
  /** Stretches that the files are written down in. */
  readonly stretches: number;
  /** Groups that the files are deflated in; 0 where they are stored. */
  readonly groups: number;
  /** Names the archive's content; kept in the finished object's metadata. */
  readonly fingerprint: string;
  /** The archive's size where the very same one is in S3 already. */
  readonly builtSize: number | undefined;
  /** Files that got another name, as many as a message may name. */
  readonly renamed: readonly RenamedFile[];
  /** Shards that are built, and groups that are deflated, at once. */
  readonly lanes: number;
}

/** What {@link createInspectFilesActivity | inspectFiles} tells while it works; a retry goes on behind the last stretch. */
export interface InspectCheckpoint {
  readonly stretches: number;
  readonly filesDone: number;
  readonly filesTotal: number;
}

/** The activity that a zip run begins with. */
export function createInspectFilesActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
}) {
  const { s3, config } = dependencies;

  async function readFiles(job: ZipJob, signal: AbortSignal): Promise<readonly ZipFile[]> {
    if (job.files) return job.files;
    const { bucket = '', key = '' } = parseSource(job.fileList ?? '') ?? {};
    const list = await getObject(s3, { bucket, key }, signal);
    return parseBody(fileListSchema, list.toString('utf8'), `file list (${job.fileList})`).files;
  }

  function locate(files: readonly ZipFile[]): ObjectLocation[] {
    return files.map(({ source }) => {
      const { bucket, key = source } = parseSource(source) ?? {};
      return { bucket: bucket ?? requiredBucket(config, 'S3_SOURCE_BUCKET'), key };
    });
  }

  async function inspectStretch(
    locations: readonly ObjectLocation[],
    names: readonly string[],
    options: InspectOptions,
  ): Promise<InspectedStretch> {
    const heads = await inspectObjects(s3, locations, options);
    const missing = locations.filter((_, index) => !heads[index]).map(objectUrl);
    const files = heads.flatMap((head, index) =>
      head ? [inspected(head, names[index] as string)] : [],
    );
    return { files, missing };
  }

  return {
    /**
     * Reads the list of files, names the entries, and asks S3 for each object: its version, size and,
     * where S3 has one, its CRC-32.
     *
     * @throws ArchiveError where an entry can't have its name
     * @throws SourcesError where objects are absent; it names them
     */
    async inspectFiles(job: ZipJob): Promise<InspectedFiles> {
      return heartbeating<InspectCheckpoint, InspectedFiles>(
        async ({ signal, resumeFrom, checkpoint }) => {
          const target = {
            bucket: requiredBucket(config, 'S3_DESTINATION_BUCKET'),
            key: archiveKey(config, job.archiveName, currentRun().workflowId),
          };
          const list = await readFiles(job, signal);
          if (list.length > config.MAX_FILES) {
            throw new LimitError(
              `The job has ${list.length} files, the limit is ${config.MAX_FILES} (MAX_FILES)`,
            );
          }
          const locations = locate(list);
          const paths = nameEntries(list, locations);

          const store = new ZipObjects(s3, target.bucket);
          const filesTotal = list.length;
          let stretches = resumeFrom?.stretches ?? 0;
          for (let start = stretches * STRETCH_FILES; start < filesTotal; start += STRETCH_FILES) {
            let filesDone = start;
            const end = start + STRETCH_FILES;
            const stretch = await inspectStretch(
              locations.slice(start, end),
              paths.names.slice(start, end),
              {
                signal,
                onProgress: (done) => {
                  filesDone = start + done;
                  checkpoint({ stretches, filesDone, filesTotal });
                },
              },
            );
            await store.save(stretchName(stretches + 1), stretch, signal);
            checkpoint({ stretches: ++stretches, filesDone, filesTotal });
          }
          const { files, missing } = await store.loadStretches(stretches, signal);
          if (missing.length > 0) throw absent(missing, filesTotal);

          const isDeflated = job.compression === 'deflate';
          const fingerprint = fingerprintOf(files, isDeflated);
          const built = await headObject(s3, target, signal);
          return {
            target,
            files: files.length,
            bytes: files.reduce((sum, { size }) => sum + size, 0),
            stretches,
            groups: isDeflated ? deflateGroups(files.map(({ size }) => size)).length : 0,
            fingerprint,
            builtSize: built?.metadata[METADATA_LAYOUT] === fingerprint ? built.size : undefined,
            renamed: renamedFiles(paths, locations),
            lanes: config.MAX_PARALLEL_SHARDS,
          };
        },
      );
    },
  };
}

function nameEntries(files: readonly ZipFile[], locations: readonly ObjectLocation[]): EntryPaths {
  return entryPaths(
    files.map(({ destination }, index) => ({
      baseName: baseNameOf((locations[index] as ObjectLocation).key),
      destination: destination ?? undefined,
    })),
  );
}

function inspected(head: SourceHead, name: string): InspectedFile {
  const { bucket, key, etag, size, lastModified } = head;
  const crc32 = size === 0 ? 0 : head.crc32;
  const modified = dosTime(lastModified.getTime() / 1000);
  return { bucket, key, etag, size, file: { name, size, crc32, ...modified } };
}

function absent(missing: readonly string[], total: number): SourcesError {
  return new SourcesError(
    `${missing.length} of ${total} files are not there: ${listUrls(missing)}`,
    capped(missing),
  );
}

function renamedFiles({ renamed }: EntryPaths, locations: readonly ObjectLocation[]) {
  return capped(
    renamed.map(({ index, name }) => ({
      source: objectUrl(locations[index] as ObjectLocation),
      name,
    })),
  );
}

/** Equal for archives that are equal to the byte: the same versions of objects under the same names. */
function fingerprintOf(files: readonly InspectedFile[], isDeflated: boolean): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([FINGERPRINT_FORMAT, isDeflated ? 'deflate' : 'store']));
  for (const { bucket, key, etag, size, file } of files) {
    hash.update(JSON.stringify([bucket, key, etag, size, file.name, file.modDate, file.modTime]));
  }
  return hash.digest('hex');
}
