import { dollars, PRICES } from '../cost/prices.ts';
import type { Row } from '../report/table.ts';

/** SQS sends, receives and deletes ten messages a request at best. */
const SQS_BATCH = 10;

/** What one message costs where a queue feeds functions that count in a table: two writes each, taken and done. */
function queueMessage(): number {
  const { sqsRequest, lambdaRequest, dynamoWrite } = PRICES;
  return (3 * sqsRequest) / SQS_BATCH + lambdaRequest + 2 * dynamoWrite;
}

/** What one branch of a map costs in a state machine: its start, its task, its end; and the function. */
function stateMachineBranch(): number {
  return 3 * PRICES.stateTransition + PRICES.lambdaRequest;
}

/** What was measured of a batch. */
export interface Measured {
  readonly items: number;
  readonly actions: number;
  /** Objects that are written; a record a chunk. */
  readonly puts: number;
}

/**
 * What it costs to have a million items processed and counted, without the processing itself: in
 * chunks of so many items, and one by one.
 */
export function costTable({ items, actions, puts }: Measured, chunkItems: number): Row[] {
  const million = 1e6;
  const chunks = million / chunkItems;
  const sheaf = ((actions * PRICES.temporalAction + puts * PRICES.s3Put) / items) * million;
  // An action for its start, one for its first heartbeat.
  const anActivity = million * PRICES.temporalAction;
  return [
    ['dollars a million items', `${chunkItems.toLocaleString('en')} items at a time`, 'one by one'],
    ['sheaf on Temporal Cloud', dollars(sheaf), `${dollars(anActivity)} (an activity an item)`],
    [
      'SQS, Lambda and DynamoDB',
      dollars(chunks * queueMessage()),
      dollars(million * queueMessage()),
    ],
    [
      'Step Functions (Standard) and Lambda',
      dollars(chunks * stateMachineBranch()),
      dollars(million * stateMachineBranch()),
    ],
  ];
}
