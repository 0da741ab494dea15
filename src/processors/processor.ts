import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Item } from '../items/item.ts';

export type { Item };

/** What a processor of either kind has. */
interface Named {
  /** What batches and rules call it by. */
  readonly name: string;
}

/** What is done with each item of a batch. */
export interface ItemProcessor extends Named {
  /** Whether it does without an item's value: a file of items may then leave it out, which makes it 0. */
  readonly ignoresValue?: boolean;
  /**
   * Processes an item. What it throws, or rejects with, is kept as the item's error, and so is a
   * time-out; anything else is success. May be called again for the same item, once a worker has died.
   */
  process(item: Item, context: ItemContext): unknown;
}

/** What is done with a file that a rule of a route sends to it. */
export interface FileProcessor extends Named {
  /**
   * Processes a file; what it gives, as JSON of at most 256 KiB, is part of the notice. What it throws,
   * or rejects with, is tried again, four times at most, and is then what the notice says. May be called
   * again for the same file, once a worker has died.
   */
  processFile(file: FileToProcess, context: Pick<ItemContext, 'signal'>): unknown;
}

/** A file in S3, in the version that was routed. Size in bytes. */
export interface FileToProcess {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** Reads with `IfMatch` fail where it has been replaced meanwhile, which is another event. */
  readonly etag: string;
}

/** Code that is called by a name: for items, for files, or for both. */
export type Processor = ItemProcessor | FileProcessor;

/** What a processor knows beside the item. */
export interface ItemContext {
  /** Aborts when the item's time is up, and when the worker can't wait for it any longer. */
  readonly signal: AbortSignal;
  /** The batch's factor for times; 1 by default. */
  readonly timeScale: number;
  readonly batchId: string;
}

/** What a processor may use. */
export interface ProcessorTools {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
}

/** Makes a processor, once a worker process. The default export of a processor's file. */
export type CreateProcessor<P extends Processor = Processor> = (tools: ProcessorTools) => P;
