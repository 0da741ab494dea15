import { randomUUID } from 'node:crypto';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { type Finding, fail, pass, warn } from './finding.ts';

const AREA = 'Temporal';

/** Payloads that our histories have stay far below this; a server that allows less is set up for other work. */
const BLOB_BYTES = 2 * 1024 * 1024;

/** Ids of child runs are that long at most; PostgreSQL and MySQL databases have columns for 255. */
const LONG_ID = 'x'.repeat(1000);

/** gRPC's code. */
const NOT_FOUND = 5;

/** temporal.api.enums.v1.TaskQueueType */
const POLLED = [
  ['workflows', 1],
  ['activities', 2],
] as const;

/**
 * Looks at the server, the namespace and its limits, and whether workers poll.
 *
 * @param keptSeconds how long the job queues keep a message, at most: a run must be remembered as long
 */
export async function checkTemporal(
  client: Client,
  taskQueue: string,
  keptSeconds: number | undefined,
): Promise<Finding[]> {
  const { namespace } = client.options;
  const findings: Finding[] = [];
  const { serverVersion } = await client.workflowService.getSystemInfo({});
  findings.push(pass(AREA, `server ${serverVersion || 'of unknown version'} answers`));

  const described = await client.workflowService.describeNamespace({ namespace }).catch((error) => {
    const isAbsent = isGrpcServiceError(error) && error.code === NOT_FOUND;
    findings.push(
      fail(
        AREA,
        `namespace ${namespace}: ${isGrpcServiceError(error) ? error.details : error.message}`,
        isAbsent
          ? `create it (temporal operator namespace create -n ${namespace} --retention 7d), or set TEMPORAL_NAMESPACE`
          : 'see whether the credentials may use it (TEMPORAL_API_KEY, TEMPORAL_TLS_*, or the profile)',
      ),
    );
  });
  if (!described) return findings;
  const retention = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  findings.push(checkRetention(namespace, retention, keptSeconds));
  const blob = Number(described.namespaceInfo?.limits?.blobSizeLimitError ?? 0);
  if (blob > 0) findings.push(checkBlobLimit(blob));
  findings.push(await checkIds(client));
  for (const [kind, taskQueueType] of POLLED) {
    findings.push(await checkPollers(client, taskQueue, kind, taskQueueType));
  }
  return findings;
}

function checkRetention(
  namespace: string,
  retention: number,
  keptSeconds: number | undefined,
): Finding {
  const kept = `namespace ${namespace} keeps closed runs for ${hours(retention)}`;
  if (keptSeconds === undefined || retention >= keptSeconds) return pass(AREA, kept);
  return warn(
    AREA,
    `${kept}, SQS keeps messages for ${hours(keptSeconds)}: one that is delivered again after its run is forgotten starts another run`,
    `temporal operator namespace update -n ${namespace} --retention ${Math.ceil(keptSeconds / 3600)}h; a namespace of Temporal Cloud has it in its own settings there`,
  );
}

function checkBlobLimit(limit: number): Finding {
  const message = `payloads of up to ${Math.floor(limit / 1024)} KiB are taken`;
  if (limit >= BLOB_BYTES) return pass(AREA, message);
  return warn(
    AREA,
    message,
    `set limit.blobSize.error in the server's dynamic configuration to ${BLOB_BYTES}, its default`,
  );
}

/**
 * Asks for a run without a type, which no server starts: one that has looked at the id's length before
 * it misses the type says so.
 */
async function checkIds(client: Client): Promise<Finding> {
  const { namespace } = client.options;
  const request = { namespace, workflowId: LONG_ID, requestId: randomUUID() };
  const refusal = await client.workflowService.startWorkflowExecution(request).then(
    () => '',
    (error) => (isGrpcServiceError(error) ? error.details : (error as Error).message),
  );
  if (!/length|too long/i.test(refusal)) {
    return pass(AREA, `workflow ids of up to ${LONG_ID.length} bytes are taken`);
  }
  return warn(
    AREA,
    `workflow ids of ${LONG_ID.length} bytes are not taken: ${refusal}`,
    'keep names of archives and keys short, which ids of runs have in them; limit.maxIDLength says how long an id may be',
  );
}

async function checkPollers(
  client: Client,
  taskQueue: string,
  kind: string,
  taskQueueType: 1 | 2,
): Promise<Finding> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType,
  });
  const count = pollers?.length ?? 0;
  if (count > 0) return pass(AREA, `task queue ${taskQueue}: ${count} polling for ${kind}`);
  return warn(
    AREA,
    `task queue ${taskQueue}: nobody polls for ${kind}; runs wait`,
    'start a worker: npx sheaf worker',
  );
}

function hours(seconds: number): string {
  const days = seconds / 86_400;
  return days >= 2 ? `${Math.round(days * 10) / 10} days` : `${Math.round(seconds / 360) / 10} h`;
}
