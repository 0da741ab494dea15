import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { HOST, type StackPorts } from '../../src/local/ports.ts';
import type { Arena } from '../contest/arena.ts';

/** A count that stays the same for so long (ms) is complete. */
const SETTLE_MS = 2_500;

/**
 * The actions that the server has counted so far, as its `action` metric has them: since version 1.22.3
 * close to what Temporal Cloud bills (https://docs.temporal.io/cloud/migrate/estimate-actions).
 */
export async function countActions(arena: Arena): Promise<number> {
  for (let last = await readActions(arena); ; ) {
    // The server brings its metrics up to date once a second.
    await sleep(SETTLE_MS);
    const count = await readActions(arena);
    if (count === last) return count;
    last = count;
  }
}

async function readActions({ folder }: Arena): Promise<number> {
  const ports: StackPorts = JSON.parse(await readFile(join(folder, 'stack', 'ports.json'), 'utf8'));
  const response = await fetch(`http://${HOST}:${ports.temporalMetrics}/metrics`);
  const lines = (await response.text()).split('\n').filter((line) => /^action[{ ]/.test(line));
  // Queries are asked by whoever watches; nobody does here.
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** What a run and its children have written to their histories. Size in bytes. */
export interface Histories {
  readonly events: number;
  readonly bytes: number;
  readonly longest: number;
}

/** Adds the histories of a run and its shards up. */
export async function readHistories(client: Client, workflowId: string): Promise<Histories> {
  const ids = [workflowId];
  for await (const event of historyOf(client, workflowId)) {
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
    if (child?.workflowId) ids.push(child.workflowId);
  }
  const described = await Promise.all(ids.map((id) => client.workflow.getHandle(id).describe()));
  const lengths = described.map(({ historyLength }) => historyLength);
  return {
    events: lengths.reduce((sum, length) => sum + length, 0),
    bytes: described.reduce((sum, { historySize = 0 }) => sum + historySize, 0),
    longest: Math.max(...lengths),
  };
}

async function* historyOf(client: Client, workflowId: string) {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  yield* events ?? [];
}
