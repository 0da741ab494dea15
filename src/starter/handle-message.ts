import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import type { Log } from '../log.ts';
import { MessageError } from '../messages/parse.ts';
import type { RunRequest } from '../runs/request.ts';
import { sendJson } from '../send-json.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { forwardMessage } from './dead-letters.ts';
import type { JobIntake } from './job-intake.ts';
import { type Started, startRun } from './start-run.ts';

/** Pauses while Temporal can't be reached (ms): doubled from the first to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** The client tries again by itself, for longer than a starter has to stop unless it is told not to (ms). */
const START_DEADLINE_MS = 5_000;

/** gRPC's INVALID_ARGUMENT: Temporal will never take this request, e.g. for an id that is too long. */
const INVALID_ARGUMENT = 3;

/** What metrics call it. */
const OUTCOMES = {
  started: 'started',
  joined: 'joined',
  'answered before': 'answered_before',
} as const satisfies Record<Started, string>;

export interface MessageContext {
  readonly client: Client;
  readonly sqs: SQSClient;
  readonly taskQueue: string;
  readonly intake: JobIntake;
  /** Where messages that can't be read go; undefined where the queue has no dead-letter queue. */
  readonly deadLetterUrl: string | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Aborts when the starter stops. */
  readonly signal: AbortSignal;
}

/**
 * Deals with one message. True once it may be deleted: its runs are durably started or found, or it is
 * in the dead-letter queue. False where it has to stay. While Temporal can't be reached, the message
 * is held, so that it doesn't use up its receives; rejects when the starter stops meanwhile.
 */
export async function handleMessage(message: Message, context: MessageContext): Promise<boolean> {
  const { intake, log, metrics } = context;
  const { job } = intake;
  const fields = { job, messageId: message.MessageId };
  const refusals: string[] = [];
  const unlessRefused = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      refusals.push(error.message);
    }
  };
  await unlessRefused(async () => {
    const requests = intake.read(message.Body ?? '', message.MessageId ?? '');
    // One that can't be started holds up none behind it.
    for (const request of requests) {
      await unlessRefused(async () => {
        const outcome = await startWhenReachable(request, message, context);
        metrics.count('messages', 1, { job_type: job, outcome: OUTCOMES[outcome] });
        log.info({ ...fields, workflowId: request.workflowId, outcome }, 'message taken');
      });
    }
    if (requests.length > 0) return;
    metrics.count('messages', 1, { job_type: job, outcome: 'nothing' });
    log.info(fields, 'message asks for nothing');
  });
  if (refusals.length === 0) return true;
  const reason = refusals.join('; ');
  metrics.count('messages', 1, { job_type: job, outcome: 'refused' });
  log.error({ ...fields, reason }, 'message refused');
  return refuse(message, reason, context);
}

async function startWhenReachable(request: RunRequest, message: Message, context: MessageContext) {
  const { client, taskQueue, log, metrics, signal, intake } = context;
  const { job } = intake;
  const { MessageId: messageId = '' } = message;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
        startRun(client, taskQueue, request, messageId),
      );
    } catch (error) {
      // The client wraps what the server has said.
      const { cause = error } = error as Error;
      if (isGrpcServiceError(cause) && Number(cause.code) === INVALID_ARGUMENT) {
        throw new MessageError(`Temporal refuses the run: ${cause.details}`, { cause });
      }
      const { message: reason } = cause as Error;
      metrics.count('messages', 1, { job_type: job, outcome: 'held' });
      log.warn({ job, messageId, reason, pause }, 'Temporal takes no run; waiting');
      await sleep(pause, undefined, { signal });
    }
  }
}

async function refuse(message: Message, reason: string, context: MessageContext): Promise<boolean> {
  const { sqs, intake, deadLetterUrl, log, metrics } = context;
  if (!deadLetterUrl) return false;
  await forwardMessage(sqs, deadLetterUrl, message);
  metrics.count('deadLetters', 1, { job_type: intake.job });
  const refusal = intake.refusal(message.Body ?? '', reason);
  if (refusal) {
    try {
      const { MessageId: deduplicationId } = message;
      await sendJson(sqs, { ...refusal, groupId: 'refused', deduplicationId });
    } catch (error) {
      // The message is in the dead-letter queue; that its sender can't be told changes nothing.
      const { message: fault } = error as Error;
      log.warn({ messageId: message.MessageId, fault }, 'the sender could not be told');
    }
  }
  return true;
}
