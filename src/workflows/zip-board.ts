import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { InspectedFiles } from '../activities/inspect-files.ts';
import type { ZipPlan } from '../activities/plan-zip.ts';
import { describeZip, type ZipProgress, type ZipStage, zipProgressQuery } from './zip-progress.ts';

/** Where a zip run shows how far it is: to the `progress` query, and in the Web UI. */
export class ZipBoard {
  readonly progress: ZipProgress = {
    stage: 'inspecting',
    archive: '',
    files: { done: 0, total: 0 },
    deflated: { done: 0, total: 0 },
    bytes: { done: 0, total: 0 },
    shards: { done: 0, total: 0 },
    reused: false,
  };

  constructor() {
    setHandler(zipProgressQuery, () => this.progress);
    this.#show();
  }

  enter(stage: ZipStage): void {
    this.progress.stage = stage;
    this.#show();
  }

  inspected({ target, files, builtSize }: InspectedFiles): void {
    const { progress } = this;
    progress.archive = `s3://${target.bucket}/${target.key}`;
    progress.files = { done: files, total: files };
    progress.reused = builtSize !== undefined;
    this.#show();
  }

  deflate(bytes: number): void {
    this.progress.deflated.total = bytes;
    this.enter('deflating');
  }

  /** @param bytes of files that have been deflated */
  deflated(bytes: number): void {
    this.progress.deflated.done += bytes;
    this.#show();
  }

  build({ size, shards }: ZipPlan): void {
    this.progress.bytes = { done: 0, total: size };
    this.progress.shards = { done: 0, total: shards };
    this.enter('building');
  }

  /** @param bytes of the archive that S3 has through this shard */
  shardBuilt(bytes: number): void {
    this.progress.bytes.done += bytes;
    this.progress.shards.done += 1;
    this.#show();
  }

  built(): void {
    const { bytes } = this.progress;
    bytes.done = bytes.total;
    this.enter('reporting');
  }

  fail(error: string): void {
    this.progress.error = error;
    this.enter('failed');
  }

  #show(): void {
    setCurrentDetails(describeZip(this.progress));
  }
}
