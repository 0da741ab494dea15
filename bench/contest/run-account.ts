import { Client, Connection } from '@temporalio/client';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import type { splitArchive } from '../../src/workflows/split-archive.ts';
import type { zipFiles } from '../../src/workflows/zip-files.ts';
import type { Account } from './competitor.ts';

/** What a finished run says of itself: its result, and when its first activity began after `sentAt` (epoch, ms). */
export async function readRun(
  stack: StackEndpoints,
  workflowId: string,
  sentAt: number,
): Promise<Account> {
  const { address, namespace } = stack.temporal;
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const handle = client.workflow.getHandle<typeof splitArchive | typeof zipFiles>(workflowId);
    const { bytesRead, bytesWritten } = await handle.result();
    const { events } = await handle.fetchHistory();
    const first = events?.find((event) => event.activityTaskStartedEventAttributes);
    const { seconds, nanos } = first?.eventTime ?? {};
    const firstActivitySeconds = Number(seconds) + Number(nanos) / 1e9 - sentAt / 1000;
    return { bytesRead, bytesWritten, firstActivitySeconds };
  } finally {
    await connection.close();
  }
}
