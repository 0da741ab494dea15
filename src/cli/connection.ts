import type { Client } from '@temporalio/client';
import { readSetting } from '../config.ts';
import { stackEnvironment } from '../local/endpoints.ts';
import { dataDir } from '../local/paths.ts';
import { findRunningStack } from '../local/running.ts';
import { connectClient, temporalSettings } from '../temporal.ts';

/** A person at a terminal rather sees an error than waits for a server (ms). */
export const TERMINAL_TIMEOUT_MS = 5_000;

/**
 * Points this process at the embedded stack, if one is up on the data folder and the environment
 * names no servers of its own. Gives the Web UI's address where it is known.
 */
export async function useRunningStack(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (namesServers(env)) return undefined;
  const stack = await findRunningStack(dataDir(env));
  if (!stack) return undefined;
  Object.assign(env, stackEnvironment(stack));
  return stack.temporal.ui;
}

/** A client, and the Web UI's address where it is known. */
export interface Connected {
  readonly client: Client;
  readonly ui: string | undefined;
}

/**
 * Does a piece of work with a client of the Temporal server that the environment, a profile or the
 * running stack names.
 */
export async function connected<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
  const ui = (await useRunningStack(process.env)) ?? readSetting(process.env, 'TEMPORAL_UI_URL');
  const client = await connectClient(TERMINAL_TIMEOUT_MS);
  try {
    return await work({ client, ui });
  } finally {
    await client.connection.close();
  }
}

/** The Web UI's page of a run; undefined where we don't know the UI's address. */
export function runLink(ui: string | undefined, workflowId: string): string | undefined {
  if (!ui) return undefined;
  const { namespace } = temporalSettings();
  return `${ui.replace(/\/$/, '')}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}

function namesServers(env: NodeJS.ProcessEnv): boolean {
  const { connectionOptions } = temporalSettings();
  return Boolean(connectionOptions.address || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL);
}
