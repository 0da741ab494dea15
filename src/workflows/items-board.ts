import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { ItemsPlan } from '../activities/plan-items.ts';
import {
  describeItems,
  type ItemsProgress,
  type ItemsStage,
  itemsProgressQuery,
} from './items-progress.ts';
import type { ShardResult } from './process-shard.ts';

/** Where a batch of items shows how far it is: to the `progress` query, and in the Web UI. */
export class ItemsBoard {
  readonly progress: ItemsProgress;

  /** @param batch the batch in a line */
  constructor(batch: string) {
    this.progress = {
      stage: 'planning',
      batch,
      items: { done: 0, total: 0 },
      failed: 0,
      shards: { done: 0, total: 0 },
      underWay: [],
      paused: false,
    };
    setHandler(itemsProgressQuery, () => this.progress);
    this.#show();
  }

  enter(stage: ItemsStage): void {
    this.progress.stage = stage;
    this.#show();
  }

  planned({ total, shardSums }: ItemsPlan): void {
    this.progress.items.total = total;
    this.progress.shards.total = shardSums.length;
    this.enter('processing');
  }

  begin(workflowId: string): void {
    this.progress.underWay.push(workflowId);
    this.#show();
  }

  /** @param result what the shard ended with; undefined where it failed */
  end(workflowId: string, result: ShardResult | undefined): void {
    const { progress } = this;
    progress.underWay = progress.underWay.filter((id) => id !== workflowId);
    if (result) {
      progress.items.done += result.items;
      progress.failed += result.failed;
      if (!result.stopped) progress.shards.done += 1;
    }
    this.#show();
  }

  pause(isPaused: boolean): void {
    this.progress.paused = isPaused;
    this.#show();
  }

  fail(stage: 'cancelled' | 'failed', error: string): void {
    this.progress.error = error;
    this.enter(stage);
  }

  #show(): void {
    setCurrentDetails(describeItems(this.progress));
  }
}
