import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import { ensureServers } from '../../src/local/locate.ts';
import type { ManagedProcess } from '../../src/local/managed-process.ts';
import { choosePorts, HOST } from '../../src/local/ports.ts';
import { NAMESPACE, temporalServer } from '../../src/local/temporal-server.ts';
import { afterwards } from './afterwards.ts';

/** A Temporal server of the test's own, on a database file, to be stopped and started again. */
export interface PrivateTemporal {
  readonly server: ManagedProcess;
  /** The suite's stack, or the one given, with this server in Temporal's place. */
  readonly stack: StackEndpoints;
  /** A new client; an old one may need time to find a server that was away. */
  connect(): Promise<Client>;
}

/** Starts a Temporal server, which ends with the test. */
export async function privateTemporal(
  stack: StackEndpoints = inject('stack'),
  dynamicConfig: readonly string[] = [],
): Promise<PrivateTemporal> {
  const dir = await mkdtemp(join(tmpdir(), 'sheaf-temporal-'));
  await mkdir(join(dir, 'logs'));
  const { temporal: program } = await ensureServers(['temporal'], process.env);
  const ports = await choosePorts(dir, {}, 0);
  const server = temporalServer(program, dir, ports, process.env, dynamicConfig);
  afterwards(async () => {
    await server.kill();
    await rm(dir, { recursive: true, force: true });
  });
  await server.start();
  const address = `${HOST}:${ports.temporal}`;
  const ui = `http://${HOST}:${ports.temporalUi}`;
  return {
    server,
    stack: { ...stack, temporal: { address, namespace: NAMESPACE, ui } },
    connect: async () => {
      const connection = await Connection.connect({ address });
      afterwards(() => connection.close());
      return new Client({ connection, namespace: NAMESPACE });
    },
  };
}
