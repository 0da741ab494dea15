import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/** How long a process tries to reach Temporal before it gives up (ms): a server that is starting too is waited for. */
export const CONNECT_TIMEOUT_MS = 60_000;

/** Pauses between the tries (ms). */
const CONNECT_PAUSE_MS = 1_000;

/** Temporal can't be reached. */
export class TemporalUnreachableError extends Error {
  override readonly name = 'TemporalUnreachableError';
}

/**
 * Where Temporal is: the SDK's own settings (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS, API key)
 * and profiles (temporal.toml).
 */
export function temporalSettings() {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** How long one attempt may take (ms). */
const ATTEMPT_TIMEOUT_MS = 5_000;

/**
 * A client of the Temporal server in the settings. Throws {@link TemporalUnreachableError}, and the
 * signal's reason when it is aborted meanwhile.
 */
export async function connectClient(
  timeoutMs = CONNECT_TIMEOUT_MS,
  signal?: AbortSignal,
  workflow: WorkflowClientInterceptor[] = [],
): Promise<Client> {
  const { connectionOptions, namespace } = temporalSettings();
  const options = { ...connectionOptions, connectTimeout: ATTEMPT_TIMEOUT_MS };
  const connection = await connectWithin(timeoutMs, () => Connection.connect(options), signal);
  return new Client({ connection, namespace, interceptors: { workflow } });
}

/** Repeats an attempt to connect until it succeeds, the time (ms) is up, or the signal is aborted. */
export async function connectWithin<T>(
  timeoutMs: number,
  connect: () => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  for (;;) {
    try {
      return await Promise.race([connect(), aborted]);
    } catch (error) {
      signal.throwIfAborted();
      if (Date.now() >= deadline) {
        const { connectionOptions } = temporalSettings();
        throw new TemporalUnreachableError(
          `Temporal at ${connectionOptions.address ?? 'localhost:7233'} can't be reached: ${reasonOf(error as Error)}; TEMPORAL_ADDRESS names another one, and npx sheaf up runs one here`,
          { cause: error },
        );
      }
      await sleep(CONNECT_PAUSE_MS, undefined, { signal });
    }
  }
}

/** What the SDK says, and what is behind that: a server that turns a key away says so there. */
function reasonOf({ message, cause }: Error): string {
  if (!(cause instanceof Error) || message.includes(cause.message)) return message;
  return `${message}: ${cause.message}`;
}
