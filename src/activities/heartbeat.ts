import { Context } from '@temporalio/activity';
import { toFailure } from './failures.ts';

/** How often an activity tells that it lives, and how far it is (ms). The worker throttles to the same. */
export const HEARTBEAT_INTERVAL_MS = 1_000;

/** What an activity's work is given. */
export interface Work<Checkpoint> {
  /** Aborts when the run is cancelled, the attempt has timed out, or the worker stops. */
  readonly signal: AbortSignal;
  /** What the attempt before this one told last; undefined on a first attempt. */
  readonly resumeFrom: Checkpoint | undefined;
  /** Keeps a checkpoint for the next heartbeat: what a retry starts from, and what people see meanwhile. */
  readonly checkpoint: (checkpoint: Checkpoint) => void;
  /** Keeps a checkpoint, and tells it at once. */
  readonly tell: (checkpoint: Checkpoint) => void;
}

/**
 * The edge of every activity: heartbeats at a steady pace, whatever the work is waiting for, and maps
 * its errors to Temporal's. A retry repeats the last checkpoint at once, so that it isn't lost if this
 * attempt dies before it makes its own; else the first heartbeat would tell nothing that the server
 * does not know, and is an action that short work does without.
 *
 * @param intervalMs how long it may be silent at most
 */
export async function heartbeating<Checkpoint, Result>(
  work: (work: Work<Checkpoint>) => Promise<Result>,
  intervalMs = HEARTBEAT_INTERVAL_MS,
): Promise<Result> {
  const context = Context.current();
  const resumeFrom: Checkpoint | undefined = context.info.heartbeatDetails ?? undefined;
  let latest = resumeFrom;
  const beat = () => context.heartbeat(latest);
  if (resumeFrom !== undefined) beat();
  const timer = setInterval(beat, intervalMs);
  try {
    return await work({
      signal: context.cancellationSignal,
      resumeFrom,
      checkpoint: (checkpoint) => {
        latest = checkpoint;
      },
      tell: (checkpoint) => {
        latest = checkpoint;
        beat();
        timer.refresh();
      },
    });
  } catch (error) {
    if (latest !== undefined) beat();
    throw toFailure(error, context);
  } finally {
    clearInterval(timer);
  }
}
