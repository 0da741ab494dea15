import { Command } from 'commander';
import { ConfigError, readSetting, splitAddress } from '../config.ts';
import { EXIT } from './exit-codes.ts';

/** An answer that takes longer (ms) is none. */
const TIMEOUT_MS = 5_000;

/** Addresses that stand for all of a machine, and the one to ask there. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** `sheaf health`: for health checks of containers, whose images have no curl. */
export function command(): Command {
  return new Command()
    .description(
      'Asks the worker or starter that has the same HEALTH_ADDRESS whether it is ready. Exits with 0 if so.',
    )
    .action(async () => {
      const address = readSetting(process.env, 'HEALTH_ADDRESS');
      if (!address) {
        throw new ConfigError(
          'HEALTH_ADDRESS: expected the address that the worker or starter answers at, got nothing',
        );
      }
      const { host, port } = splitAddress(address);
      const url = `http://${hostInUrl(LOOPBACK[host] ?? host)}:${port}/ready`;
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(url, { signal }).catch((error) => {
        const message = `Nothing answers at ${address}; is the worker or starter up, with this HEALTH_ADDRESS?`;
        throw new Error(message, { cause: error });
      });
      console.log((await response.text()).trim());
      if (!response.ok) process.exitCode = EXIT.failed;
    });
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
