import {
  ApplicationFailure,
  CancellationScope,
  executeChild,
  ParentClosePolicy,
  proxyActivities,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { CheckedFile } from '../activities/route-file.ts';
import { MessageError } from '../messages/parse.ts';
import {
  parseRouteMessage,
  type RouteJob,
  type RouteNotice,
  type RouteResult,
  routeReplySchema,
} from '../messages/route.ts';
import { firstRule, type RouteRule, SPLIT_PROCESSOR } from '../routing/rules.ts';
import { activityOptions } from './activity-options.ts';
import { whenAtRest } from './at-rest.ts';
import { rememberDeliveries } from './deliveries.ts';
import { causeOf } from './failure.ts';
import { activitiesAt } from './place.ts';
import { RouteBoard } from './route-board.ts';
import { bytes } from './route-progress.ts';
import { splitArchive } from './split-archive.ts';
import { grouped } from './tally.ts';

const { checkFileSize, sendResult } = activitiesAt(undefined);

/** A processor's errors may be for good: somebody waits for the notice. */
const { processFile } = proxyActivities<Activities>({
  ...activityOptions,
  retry: { ...activityOptions.retry, maximumAttempts: 5 },
});

/**
 * Routes a file by its size: looks at it (CheckFileSize), picks a rule (ChoiceState), and then has it
 * processed (ProcessFile) and says so (NotifyFileOk), says that it is too small (NotifyFileTooSmall),
 * or fails (DefaultState). Each ending sends one notice.
 *
 * @param input a route job, or S3's event notification of one object
 */
export async function routeFile(input: unknown): Promise<RouteResult> {
  rememberDeliveries();
  const run = new RouteRun(input);
  const outcome = await run.attempt();
  await CancellationScope.nonCancellable(() => run.conclude(outcome));
  if (outcome instanceof Error) throw outcome;
  return run.result(outcome);
}

class RouteRun {
  readonly #input: unknown;
  readonly #board: RouteBoard;
  #file: CheckedFile | undefined;

  constructor(input: unknown) {
    this.#input = input;
    this.#board = new RouteBoard();
  }

  /** The run up to its notice, or the error that it fails with. */
  async attempt(): Promise<RouteNotice | Error> {
    try {
      return await this.#route(jobOf(this.#input));
    } catch (error) {
      return causeOf(error);
    }
  }

  /** Tells how the run ended. */
  async conclude(outcome: RouteNotice | Error): Promise<void> {
    const notice = outcome instanceof Error ? this.#failure(outcome) : outcome;
    const queueUrl = this.#replyQueue();
    if (queueUrl) {
      const summary = notice.status === 'failed' ? 'failed' : this.#board.state;
      await sendResult.executeWithOptions({ summary }, [
        { queueUrl, body: JSON.stringify(notice) },
      ]);
    }
    if (outcome instanceof Error) this.#board.fail(notice.message);
    else this.#board.done(notice.message);
    const { states } = this.#board;
    const { size } = notice;
    upsertMemo({ states, ...(size !== null && { size }) });
  }

  result(notice: RouteNotice): RouteResult {
    return { ...notice, states: this.#board.states };
  }

  async #route(job: RouteJob): Promise<RouteNotice> {
    this.#board.enter('CheckFileSize');
    const file = await checkFileSize.executeWithOptions({ summary: 'CheckFileSize' }, [job]);
    this.#file = file;
    this.#board.checked(file);

    this.#board.enter('ChoiceState');
    if (file.size === null) return this.#fail(file.problem ?? 'The size is not known');
    const rule = firstRule(file.rules, file.size, file.threshold);
    this.#board.outcome(describeChoice(rule, file.threshold));

    switch (rule?.action) {
      case 'ProcessFile':
        return this.#process(file as KnownFile, rule.processor ?? SPLIT_PROCESSOR);
      case 'NotifyFileTooSmall':
        this.#board.enter('NotifyFileTooSmall');
        return notice(file, 'too-small', 'File not big enough');
      default:
        return this.#fail(describeMismatch(file as KnownFile, rule));
    }
  }

  async #process(file: KnownFile, processor: string): Promise<RouteNotice> {
    this.#board.enter('ProcessFile');
    const result =
      processor === SPLIT_PROCESSOR
        ? await this.#split(file)
        : await this.#processBy(processor, file);
    this.#board.enter('NotifyFileOk');
    return { ...notice(file, 'processed', 'File processed OK'), result };
  }

  #processBy(processor: string, { bucket, key, size }: KnownFile): Promise<unknown> {
    this.#board.outcome(`by the processor ${processor}`);
    const summary = `ProcessFile: ${processor}`;
    return processFile.executeWithOptions({ summary }, [{ bucket, key, size, processor }]);
  }

  /** Splits an archive with a manifest. Its batch zips lie under `batch/` in its own folder. */
  async #split({ bucket, key, size }: KnownFile) {
    const nameStart = key.lastIndexOf('/') + 1;
    const folder = key.slice(0, nameStart);
    const workflowId = `${workflowInfo().workflowId}/ProcessFile`;
    const job = {
      downloadId: 'route',
      file: key.slice(nameStart),
      exportPath: key,
      totalSize: size,
      s3Bucket: bucket,
    };
    this.#board.split(workflowId);
    const { batches } = await whenAtRest(() =>
      executeChild(splitArchive, {
        workflowId,
        staticSummary: `ProcessFile: split s3://${bucket}/${key}`,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [job, folder ? { folder } : {}],
      }),
    );
    this.#board.outcome(`${grouped(batches.length)} batch zips`);
    return { workflowId, batches };
  }

  /** @throws ApplicationFailure as the reference's state does; its cause says what the problem is */
  #fail(problem: string): never {
    this.#board.enter('DefaultState');
    this.#board.outcome(problem);
    throw ApplicationFailure.create({
      message: 'No Matches!',
      type: 'DefaultStateError',
      nonRetryable: true,
      cause: ApplicationFailure.nonRetryable(problem, 'NoMatch'),
    });
  }

  #failure(error: Error): RouteNotice {
    const { bucket, key, threshold, size } = this.#file ?? { ...named(this.#input), size: null };
    const problem = error.cause instanceof ApplicationFailure ? error.cause.message : undefined;
    const message = problem ? `${error.message} ${problem}` : error.message;
    return { status: 'failed', message, bucket, key, size, threshold };
  }

  #replyQueue(): string | undefined {
    if (this.#file) return this.#file.notifyQueueUrl;
    const reply = routeReplySchema.safeParse(this.#input);
    return reply.success ? reply.data.notifyQueueUrl : undefined;
  }
}

/** A file of which all is known that a decision takes. */
interface KnownFile extends CheckedFile {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
}

function notice(
  { bucket, key, size, threshold }: CheckedFile,
  status: RouteNotice['status'],
  message: string,
): RouteNotice {
  return { status, message, bucket, key, size, threshold };
}

/** The job of an input: a run routes one file. */
function jobOf(input: unknown): RouteJob {
  try {
    const message = parseRouteMessage(input);
    if (message.kind === 'job') return message.job;
    const objects = message.kind === 'event' ? message.objects : [];
    const [object, ...others] = objects;
    if (object && others.length === 0) return { bucket: object.bucket, key: object.key };
    throw new MessageError(
      `A run routes one file, and this event tells of ${objects.length}; send it to the route queue, and each becomes a run`,
    );
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    throw ApplicationFailure.nonRetryable(error.message, error.name);
  }
}

/** What an input names, whatever is wrong with the rest of it. */
function named(input: unknown): Pick<RouteNotice, 'bucket' | 'key' | 'threshold'> {
  const { bucket, key, threshold } = (input ?? {}) as Record<string, unknown>;
  return {
    bucket: typeof bucket === 'string' ? bucket : null,
    key: typeof key === 'string' ? key : null,
    threshold: typeof threshold === 'number' ? threshold : null,
  };
}

function describeChoice(rule: RouteRule | undefined, threshold: number): string {
  if (!rule) return 'no rule holds, so DefaultState';
  const than = rule.size === 'threshold' ? threshold : rule.size;
  return `${rule.comparison} ${bytes(than)}, so ${rule.action}`;
}

function describeMismatch(file: KnownFile, rule: RouteRule | undefined): string {
  const { bucket, key, size, threshold } = file;
  const url = `s3://${bucket}/${key}`;
  if (rule) return `${url} has ${bytes(size)}, which a rule sends to DefaultState`;
  return size === threshold
    ? `${url} has ${bytes(size)}, just the threshold: neither above nor below it`
    : `${url} has ${bytes(size)}, for which there is no rule`;
}
