import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { PlannedBatch } from '../activities/plan-split.ts';
import type { UnpackedArchive } from '../activities/unpack-pass.ts';
import {
  type BatchUnderWay,
  describeProgress,
  progressQuery,
  type SplitProgress,
  type SplitStage,
} from './split-progress.ts';

/** Where a run shows how far it is: to the `progress` query, and in the Web UI. */
export class SplitBoard {
  readonly progress: SplitProgress;

  /** @param archive as `s3://bucket/key` */
  constructor(archive: string) {
    this.progress = { stage: 'planning', archive, ...nothingBuilt() };
    setHandler(progressQuery, () => this.progress);
    this.#show();
  }

  enter(stage: SplitStage): void {
    this.progress.stage = stage;
    this.#show();
  }

  fail(error: string): void {
    this.progress.error = error;
    this.enter('failed');
  }

  /** The run has lost its files and begins anew. */
  startOver(reason: string): void {
    Object.assign(this.progress, nothingBuilt());
    this.progress.startedOver = reason;
    this.#show();
  }

  /** @param bytes the archive's size */
  unpack(bytes: number): void {
    this.progress.unpacked.total = bytes;
    this.enter('unpacking');
  }

  unpacked({ files, resumedAt }: UnpackedArchive): void {
    const { unpacked } = this.progress;
    Object.assign(unpacked, { done: unpacked.total, files, resumedAt });
    this.#show();
  }

  plan(batches: readonly PlannedBatch[]): void {
    const { progress } = this;
    progress.batches.total = batches.length;
    for (const { images, bytes, bytesToVerify } of batches) {
      progress.images.total += images;
      progress.bytes.total += bytes;
      progress.verified.total += bytesToVerify;
    }
    this.enter('building');
  }

  built({ images, bytes, bytesToVerify }: PlannedBatch): void {
    const { progress } = this;
    progress.batches.done += 1;
    progress.images.done += images;
    progress.bytes.done += bytes;
    progress.verified.done += bytesToVerify;
    this.#show();
  }

  async whileUnderWay<T>(batch: BatchUnderWay, build: () => Promise<T>): Promise<T> {
    const { underWay } = this.progress;
    underWay.push(batch);
    this.#show();
    try {
      return await build();
    } finally {
      underWay.splice(underWay.indexOf(batch), 1);
    }
  }

  #show(): void {
    setCurrentDetails(describeProgress(this.progress));
  }
}

function nothingBuilt(): Omit<SplitProgress, 'stage' | 'archive'> {
  return {
    unpacked: { done: 0, total: 0, files: 0, resumedAt: 0 },
    batches: { done: 0, total: 0 },
    images: { done: 0, total: 0 },
    bytes: { done: 0, total: 0 },
    verified: { done: 0, total: 0 },
    underWay: [],
  };
}
