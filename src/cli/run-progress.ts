import {
  type Client,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { BatchCheckpoint } from '../activities/build-batch.ts';
import type { UnpackProgress } from '../storage/unpack.ts';
import { progressQuery, type SplitProgress } from '../workflows/split-progress.ts';

/** A query is answered by a worker; without one it hangs, and there is nothing to show (ms). */
const QUERY_TIMEOUT_MS = 3_000;

/** How a query ends that nobody can answer: no worker is up, none ever was, or the run is none of ours. */
const CANT_SAY = [QueryNotRegisteredError, QueryRejectedError, ServiceError];

/**
 * How far a split run is, with what its children's activities have told by heartbeat. Undefined where
 * nobody can say.
 */
export async function readProgress(
  client: Client,
  workflowId: string,
): Promise<SplitProgress | undefined> {
  try {
    const handle = client.workflow.getHandle(workflowId);
    const progress = await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
      handle.query(progressQuery),
    );
    if (progress.stage === 'unpacking') {
      const checkpoint = await readCheckpoint<UnpackProgress>(client, workflowId);
      progress.unpacked.done = checkpoint?.bytesDone ?? 0;
    }
    const checkpoints = await Promise.all(
      progress.underWay.map((batch) => readCheckpoint<BatchCheckpoint>(client, batch.workflowId)),
    );
    for (const checkpoint of checkpoints) {
      progress.bytes.done += checkpoint?.bytesDone ?? 0;
      progress.verified.done += checkpoint?.bytesVerified ?? 0;
      progress.images.done += checkpoint?.entriesVerified ?? 0;
    }
    return progress;
  } catch (error) {
    if (CANT_SAY.some((type) => error instanceof type)) return undefined;
    throw error;
  }
}

/** What a run's activity told by its last heartbeat; nothing where it is only about to start. */
async function readCheckpoint<Checkpoint>(
  client: Client,
  workflowId: string,
): Promise<Checkpoint | undefined> {
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  for (const { heartbeatDetails } of described?.raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (payload) return defaultPayloadConverter.fromPayload(payload) ?? undefined;
  }
  return undefined;
}
