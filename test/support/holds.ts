import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Fate, S3Call, S3Proxy } from './s3-proxy.ts';

/** What tests wait for: S3, Temporal, and processes that share a small machine. */
export const WAIT = { timeout: 40_000, interval: 20 };

/** Calls that a proxy holds. */
export interface Held {
  /** Those that have come so far, in order. */
  readonly calls: readonly S3Call[];
  /** Lets them go on, or gives them another fate, and lets all that come from now on pass. */
  release(fate?: Fate): void;
}

/** Holds the calls that match, beside what the proxy does already; one whose caller dies never reaches S3. */
export function hold(proxy: S3Proxy, matches: (call: S3Call) => boolean): Held {
  const before = proxy.intercept;
  const calls: S3Call[] = [];
  const released = Promise.withResolvers<Fate>();
  let isReleased = false;
  proxy.intercept = (call) => {
    if (isReleased || !matches(call)) return before?.(call);
    calls.push(call);
    return released.promise;
  };
  return {
    calls,
    release: (fate) => {
      isReleased = true;
      released.resolve(fate);
    },
  };
}

/** What the pending activity of a run has told by its last heartbeat. */
export async function heartbeatOf<Checkpoint>(
  run: WorkflowHandle,
): Promise<Checkpoint | undefined> {
  const { raw } = await run.describe();
  const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
  return payload ? (defaultPayloadConverter.fromPayload(payload) ?? undefined) : undefined;
}

/** The types of the failures after which an activity of a run was taken up again. */
export async function failuresOf(run: WorkflowHandle): Promise<(string | null | undefined)[]> {
  const { events } = await run.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
    started?.lastFailure
      ? [started.lastFailure.applicationFailureInfo?.type ?? started.lastFailure.message]
      : [],
  );
}

/** The numbers of the parts that were made of an object, in order, each as often as it was. */
export function partsMade(proxy: S3Proxy, key: string): number[] {
  const calls = [...proxy.succeeded('UploadPart', key), ...proxy.succeeded('UploadPartCopy', key)];
  return calls.map(({ part }) => part).sort((a, b) => a - b);
}
