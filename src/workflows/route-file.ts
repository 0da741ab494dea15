import {
  ApplicationFailure,
  CancellationScope,
  executeChild,
  ParentClosePolicy,
  proxyActivities,
  upsertMemo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { CheckedFile, FoundFile } from '../activities/route-file.ts';
import { namedBy, type RouteJob, type RouteNotice, type RouteResult } from '../messages/route.ts';
import { firstRule, SPLIT_PROCESSOR } from '../routing/rules.ts';
import { activityOptions } from './activity-options.ts';
import { whenAtRest } from './at-rest.ts';
import { rememberDeliveries } from './deliveries.ts';
import { noteEnd } from './ending.ts';
import { causeOf } from './failure.ts';
import { activitiesAt } from './place.ts';
import { RouteBoard } from './route-board.ts';
import { replyQueueOf, routeJobOf } from './route-input.ts';
import { describeChoice, describeMismatch } from './route-progress.ts';
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
  readonly #board = new RouteBoard();
  #file: CheckedFile | undefined;

  constructor(input: unknown) {
    this.#input = input;
  }

  /** The run up to its notice, or the error that it fails with. */
  async attempt(): Promise<RouteNotice | Error> {
    try {
      return await this.#route(routeJobOf(this.#input));
    } catch (error) {
      return causeOf(error);
    }
  }

  /** Tells how the run ended. */
  async conclude(outcome: RouteNotice | Error): Promise<void> {
    const notice = outcome instanceof Error ? this.#failure(outcome) : outcome;
    const queueUrl = this.#file ? this.#file.notifyQueueUrl : replyQueueOf(this.#input);
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
    const { bucket, key } = notice;
    noteEnd('route', outcome, { bucket: bucket ?? undefined, key: key ?? undefined });
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
    if (file.size === null) return this.#fail(file.problem);
    const rule = firstRule(file.rules, file.size, file.threshold);
    this.#board.outcome(describeChoice(rule, file.threshold));

    switch (rule?.action) {
      case 'ProcessFile':
        return this.#process(file, rule.processor ?? SPLIT_PROCESSOR);
      case 'NotifyFileTooSmall':
        this.#board.enter('NotifyFileTooSmall');
        return noticeOf(file, 'too-small', 'File not big enough');
      default:
        return this.#fail(describeMismatch(file, rule));
    }
  }

  async #process(file: CheckedFile & FoundFile, processor: string): Promise<RouteNotice> {
    this.#board.enter('ProcessFile');
    const result =
      processor === SPLIT_PROCESSOR
        ? await this.#split(file)
        : await this.#processBy(processor, file);
    this.#board.enter('NotifyFileOk');
    return { ...noticeOf(file, 'processed', 'File processed OK'), result };
  }

  #processBy(processor: string, { bucket, key, size, etag }: FoundFile): Promise<unknown> {
    this.#board.outcome(`by the processor ${processor}`);
    const summary = `ProcessFile: ${processor}`;
    const file = { bucket, key, size, etag };
    return processFile.executeWithOptions({ summary }, [{ file, processor }]);
  }

  /**
   * Splits an archive with a manifest, in the version that was looked at. Its batch zips lie under
   * `batch/` in its own folder.
   */
  async #split({ bucket, key, size, etag, splitId: workflowId }: FoundFile) {
    const nameStart = key.lastIndexOf('/') + 1;
    const file = key.slice(nameStart);
    if (!file) {
      throw ApplicationFailure.nonRetryable(
        `s3://${bucket}/${key} ends in a slash, as folders do: an archive needs a name to be split`,
        'ArchiveError',
      );
    }
    const job = { downloadId: 'route', file, exportPath: key, totalSize: size, s3Bucket: bucket };
    const options = { folder: key.slice(0, nameStart), etag };
    this.#board.split(workflowId);
    const summary = `Split s3://${bucket}/${key}`;
    const { batches } = await whenAtRest(() =>
      executeChild(splitArchive, {
        workflowId,
        staticSummary: `ProcessFile: ${summary}`,
        memo: { summary },
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [job, options],
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
    const found = this.#file ?? { ...namedBy(this.#input), size: null };
    const { bucket, key, threshold, size } = found;
    const problem = error.cause instanceof ApplicationFailure ? error.cause.message : undefined;
    const message = problem ? `${error.message} ${problem}` : error.message;
    return { status: 'failed', message, bucket, key, size, threshold };
  }
}

function noticeOf(
  { bucket, key, size, threshold }: CheckedFile,
  status: RouteNotice['status'],
  message: string,
): RouteNotice {
  return { status, message, bucket, key, size, threshold };
}
