import { defineSignal, setHandler, upsertMemo, workflowInfo } from '@temporalio/workflow';

/** A message that asked for a run which was open already; its id joins the run's memo. */
export const deliveredSignal = defineSignal<[messageId: string]>('delivered');

/** What the starter keeps in a run's memo: the SQS messages that this run is the answer to. */
export interface DeliveryMemo {
  readonly messageIds: readonly string[];
}

/**
 * Remembers the messages that were delivered while the run was open, so that none of them starts a
 * run of its own when SQS delivers it again after the end.
 */
export function rememberDeliveries(): void {
  const ids = new Set((workflowInfo().memo as Partial<DeliveryMemo> | undefined)?.messageIds);
  setHandler(deliveredSignal, (messageId) => {
    upsertMemo({ messageIds: [...ids.add(messageId)] } satisfies DeliveryMemo);
  });
}
