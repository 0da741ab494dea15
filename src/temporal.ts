import { Client, Connection } from '@temporalio/client';
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

/** A client of the Temporal server in the settings. Throws {@link TemporalUnreachableError}. */
export async function connectClient(timeoutMs = CONNECT_TIMEOUT_MS): Promise<Client> {
  const { connectionOptions, namespace } = temporalSettings();
  const connection = await connectWithin(timeoutMs, () => Connection.connect(connectionOptions));
  return new Client({ connection, namespace });
}

/** Repeats an attempt to connect until it succeeds or the time (ms) is up. */
export async function connectWithin<T>(timeoutMs: number, connect: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (Date.now() >= deadline) {
        const { connectionOptions } = temporalSettings();
        throw new TemporalUnreachableError(
          `Temporal at ${connectionOptions.address ?? 'localhost:7233'} can't be reached: ${(error as Error).message}; TEMPORAL_ADDRESS names another one, and npx sheaf up runs one here`,
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, CONNECT_PAUSE_MS));
    }
  }
}
