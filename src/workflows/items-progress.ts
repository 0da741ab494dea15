import { defineQuery, defineSignal } from '@temporalio/workflow';
import { ofCount, type Tally } from './tally.ts';

/** Where a batch of items is; the stages come in this order. */
export type ItemsStage = 'planning' | 'processing' | 'reporting' | 'done' | 'cancelled' | 'failed';

/** The answer to the `progress` query of a batch of items. */
export interface ItemsProgress {
  stage: ItemsStage;
  /** The batch in a line. */
  batch: string;
  /** Items of shards that have ended; the total is 0 until it is known. */
  items: Tally;
  /** Items among them that failed. */
  failed: number;
  /** Shards that have ended. */
  shards: Tally;
  /** The runs of shards that are under way; they answer the same query. */
  underWay: string[];
  /** No chunk is begun until somebody sends `resume`. */
  paused: boolean;
  /** Why the run failed. */
  error?: string;
}

/** The answer to the `progress` query of a shard. The heartbeats of its activities tell more. */
export interface ShardProgress {
  /** Items of chunks that have ended. */
  items: Tally;
  failed: number;
  /** Chunks that have ended. */
  chunks: Tally;
  paused: boolean;
}

export const itemsProgressQuery = defineQuery<ItemsProgress>('progress');
export const shardProgressQuery = defineQuery<ShardProgress>('progress');

/** Begin no more chunks; those that are under way go on. */
export const pauseSignal = defineSignal('pause');

/** Go on. */
export const resumeSignal = defineSignal('resume');

const STAGES: Record<ItemsStage, string> = {
  planning: 'Planning',
  processing: 'Processing',
  reporting: 'Telling the result',
  done: 'Processed',
  cancelled: 'Cancelled',
  failed: 'Could not process',
};

/** The progress as the Web UI shows it, in Markdown. */
export function describeItems(progress: ItemsProgress): string {
  const { stage, batch, items, failed, shards, underWay, paused, error } = progress;
  const lines = [`**${STAGES[stage]}** ${batch}`];
  if (paused) lines.push('', '**Paused**: no chunk is begun until it is resumed');
  if (items.total > 0) {
    lines.push('', `- items of shards that have ended: ${ofCount(items)}`, `- failed: ${failed}`);
  }
  if (shards.total > 0) lines.push(`- shards: ${shards.done} of ${shards.total}`);
  if (underWay.length > 0)
    lines.push(`- under way: ${underWay.map((id) => `\`${id}\``).join(', ')}`);
  if (error) lines.push('', error);
  return lines.join('\n');
}

/** The progress of a shard as the Web UI shows it, in Markdown. */
export function describeShard({ items, failed, chunks, paused }: ShardProgress): string {
  return [
    ...(paused ? ['**Paused**: no chunk is begun until it is resumed', ''] : []),
    `- items: ${ofCount(items)}`,
    `- failed: ${failed}`,
    `- chunks: ${chunks.done} of ${chunks.total}`,
  ].join('\n');
}
