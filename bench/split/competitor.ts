import type { StackEndpoints } from '../../src/local/endpoints.ts';

/** Where a competitor works. */
export interface Site {
  readonly stack: StackEndpoints;
  /** Rows a batch zip. */
  readonly batchSize: number;
  /** Its temporary folder. */
  readonly workDir: string;
  /** Batch zips that a program makes at once; sheaf has a setting of its own. */
  readonly lanes: number;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** An archive that is to be split. */
export interface Job {
  /** Holds the archive and nothing else. */
  readonly bucket: string;
  /** S3 key of the archive, its bare name, and its size in bytes. */
  readonly key: string;
  readonly file: string;
  readonly size: number;
  /** What the names of its batch zips begin with. */
  readonly base: string;
  /** Bytes of its images and its manifest. */
  readonly contentBytes: number;
  /** An empty folder for what is kept on disk. */
  readonly workDir: string;
}

/** What a competitor says of its work once it is done. */
export interface Account {
  /** Bytes that it read from S3 and wrote to it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Time (s) from the trigger message to the start of the run's first activity; sheaf only. */
  readonly firstActivitySeconds?: number;
}

/** A competitor that is up and waits for work. */
export interface Standby {
  /** The process that does the work, and others that it needs. */
  readonly pid: number;
  readonly helpers: readonly number[];
  /** Does the work; this is what is timed. */
  run(job: Job): Promise<void>;
  /** What the last job took; called after it, outside the time. */
  account(): Promise<Account>;
  stop(): Promise<void>;
}

/** One way to split an archive. */
export interface Competitor {
  /** As in the `--only` option. */
  readonly id: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** Whether it makes batch zips; the floor and the uploads alone do not. */
  readonly splits: boolean;
  /** Whether `Site.lanes` means something to it. */
  readonly hasLanes: boolean;
  start(site: Site): Promise<Standby>;
}
