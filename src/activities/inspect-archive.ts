import type { S3Client } from '@aws-sdk/client-s3';
import { type Container, DETECT_BYTES, detectContainer } from '../archive/detect.ts';
import { ArchiveError } from '../archive/errors.ts';
import type { Config } from '../config.ts';
import type { SplitJob, SplitOptions } from '../messages/split.ts';
import {
  ObjectChangedError,
  ObjectMissingError,
  type ObjectVersion,
  objectUrl,
} from '../storage/errors.ts';
import { headObject, readRange } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';

/** An archive as a run takes it up, and what the run's worker said that it is to be worked on in. */
export interface InspectedArchive {
  /** The archive, pinned: a run reads one version of it. */
  readonly source: ObjectVersion;
  readonly container: Container;
  /** The run decides, whatever the setting of the workers that go on with it. */
  readonly workspace: Config['WORKSPACE'];
}

/** How many bytes of what is no archive an error message shows: enough to tell a picture or a text. */
const SHOWN_BYTES = 8;

/** The activity that a split run begins with. */
export function createInspectArchiveActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
}) {
  const { s3, config } = dependencies;
  return {
    /**
     * Pins the archive and tells by its first bytes what it is.
     *
     * @throws ObjectMissingError where there is none
     * @throws ObjectChangedError where it is not the version that is wanted
     * @throws ArchiveError where it is none of the kinds that are split
     */
    async inspectArchive(job: SplitJob, { etag }: SplitOptions = {}): Promise<InspectedArchive> {
      return heartbeating(async ({ signal }) => {
        const location = { bucket: job.s3Bucket, key: job.exportPath };
        const head = await headObject(s3, location, signal);
        if (!head) throw new ObjectMissingError(location);
        if (etag && head.etag !== etag) throw new ObjectChangedError({ ...head, etag });
        const source = { ...location, etag: head.etag, size: head.size };
        const first = await readRange(s3, source, 0, Math.min(head.size, DETECT_BYTES), signal);
        const container = detectContainer(first);
        if (container === undefined) throw notAnArchive(source, first);
        return { source, container, workspace: config.WORKSPACE };
      });
    },
  };
}

function notAnArchive(source: ObjectVersion, first: Buffer): ArchiveError {
  const begins =
    first.length === 0
      ? 'it is empty'
      : `it begins with the bytes ${first.subarray(0, SHOWN_BYTES).toString('hex')}`;
  return new ArchiveError(`${objectUrl(source)} is not a ZIP, TAR or TAR.GZ archive: ${begins}`);
}
