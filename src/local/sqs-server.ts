import { join } from 'node:path';
import { stackSqs } from './clients.ts';
import type { StackEndpoints } from './endpoints.ts';
import type { Program } from './locate.ts';
import { ManagedProcess } from './managed-process.ts';
import { HOST, type StackPorts } from './ports.ts';
import { provisionQueues } from './provision.ts';
import { serverEnvironment, startAdvice } from './server-environment.ts';

/** Long: Python reads its packages, and the first time compiles them. */
const READY_TIMEOUT_MS = 60_000;
/** Enough to finish what it is asked and to write its queues to disk, which it does only here. */
const STOP_GRACE_MS = 5000;

/**
 * MiniStack as an SQS server, which keeps its queues in `dir` when it is stopped (not when it is
 * killed), and the stack's queues once it is ready.
 */
export function sqsServer(
  program: Program,
  dir: string,
  ports: StackPorts,
  endpoints: Pick<StackEndpoints, 's3' | 'sqs'>,
  env: NodeJS.ProcessEnv,
): ManagedProcess {
  const client = stackSqs(endpoints, 1);
  const own = {
    ...program.env,
    SERVICES: 'sqs',
    BIND_HOST: HOST,
    GATEWAY_PORT: String(ports.sqs),
    PERSIST_STATE: '1',
    STATE_DIR: join(dir, 'sqs'),
    // It keeps a file with its process id there.
    TMPDIR: join(dir, 'sqs'),
    LOG_LEVEL: 'WARNING',
  };
  return new ManagedProcess({
    name: 'MiniStack',
    command: program.command,
    args: program.args,
    env: serverEnvironment(env, own),
    cwd: join(dir, 'sqs'),
    output: { file: join(dir, 'logs', 'sqs.log') },
    ready: async () => {
      await provisionQueues(client, endpoints.sqs.endpoint);
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopGraceMs: STOP_GRACE_MS,
    advice: startAdvice(program),
  });
}
