import { type Command, InvalidArgumentError } from 'commander';
import { parseS3Url } from '../messages/fields.ts';
import { type ItemsJob, type ItemsSource, itemsJobSchema } from '../messages/items.ts';
import { MessageError, parseMessage } from '../messages/parse.ts';

/** Options that say what a batch is, and how it is processed. */
export interface ItemsOptions {
  readonly count?: number;
  readonly seed?: number;
  readonly source?: string;
  readonly processor: string;
  readonly itemsPerChunk?: number;
  readonly parallelChunks?: number;
  readonly itemConcurrency?: number;
  readonly timeScale?: number;
  readonly itemTimeout?: number;
  readonly itemsPerSecond?: number;
  readonly notify?: string;
}

/** Adds the options to a command. */
export function addItemsOptions(command: Command): Command {
  return command
    .option('--count <n>', 'makes up so many items', number)
    .option('--seed <n>', 'what they are made of; the same seed makes the same items', number)
    .option('--source <url>', 'a .csv or .ndjson file of items, s3://bucket/key')
    .option('--processor <name>', 'what is done with each item', 'sleep')
    .option('--items-per-chunk <n>', 'items of an activity (default: 10000)', number)
    .option('--parallel-chunks <n>', 'chunks at once (default: 50)', number)
    .option('--item-concurrency <n>', 'items of a chunk at once (default: 16)', number)
    .option('--time-scale <x>', "factor for the processor's times (default: 1)", number)
    .option('--item-timeout <s>', 'seconds that an item may take (default: 300)', number)
    .option('--items-per-second <x>', 'items a second at most, on all workers together', number)
    .option('--notify <url>', 'SQS queue that is told the result');
}

/** The job that the options say. Throws {@link MessageError}. */
export function itemsJobOf(batchId: string, options: ItemsOptions): ItemsJob {
  return parseMessage(
    itemsJobSchema,
    {
      batchId,
      source: sourceOf(options),
      processor: options.processor,
      itemsPerChunk: options.itemsPerChunk,
      parallelChunks: options.parallelChunks,
      itemConcurrency: options.itemConcurrency,
      timeScale: options.timeScale,
      itemTimeoutSeconds: options.itemTimeout,
      itemsPerSecond: options.itemsPerSecond,
      notifyQueueUrl: options.notify,
    },
    'batch of items',
  );
}

function sourceOf({ count, seed, source }: ItemsOptions): ItemsSource {
  if ((count === undefined) === (source === undefined)) {
    throw new MessageError('Expected either --count or --source: where the items come from');
  }
  if (seed !== undefined && count === undefined) {
    throw new MessageError('--seed goes with --count: it says what items are made of');
  }
  if (count !== undefined) return { generate: { count, ...(seed !== undefined && { seed }) } };
  const object = parseS3Url(source ?? '');
  if (object) return object;
  throw new MessageError(`--source: expected s3://bucket/key, got ${source}`);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
}
