import type { SQSClient } from '@aws-sdk/client-sqs';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { createSqsClient } from '../clients.ts';
import { loadConfig } from '../config.ts';
import { findIntakeQueue, type IntakeQueue, intakesOf } from '../starter/intakes.ts';
import { type RedriveOutcome, redrive } from '../starter/redrive.ts';
import { connected } from './connection.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { formatCount } from './format.ts';

interface Options {
  readonly again?: true;
  readonly wait: number;
  readonly json?: true;
}

/** `sheaf redrive`: dead letters go back to their queue. */
export function command(): Command {
  return new Command()
    .description(
      'Sends the dead letters of a queue back to it, and says what became of each: which runs they are ' +
        'now, and which failed again. A message that can not be read, or that has come back from a redrive ' +
        'before, stays in the dead-letter queue. Exits with 1 where there are such messages.',
    )
    .argument('<queue>', 'split, zip, items or route, or the queue by name or URL')
    .option('--again', 'also those that have come back from a redrive before')
    .option('--wait <seconds>', 'how long to wait for starters to take them', seconds, 60)
    .option('--json', 'print one line of JSON')
    .action(redriveQueue);
}

async function redriveQueue(called: string, { again, wait, json }: Options): Promise<void> {
  await connected(async ({ client }) => {
    const sqs = createSqsClient();
    try {
      const queue = await findQueue(sqs, called);
      const { job } = queue.intake;
      const options = { client, sqs, queue, again: Boolean(again), waitMs: wait * 1000 };
      const outcome = await redrive(options);
      console.log(json ? JSON.stringify({ queue: job, ...outcome }) : describe(job, outcome));
      const { failedAgain, waiting } = outcome;
      if (failedAgain.length + waiting.length > 0) process.exitCode = EXIT.failed;
    } finally {
      sqs.destroy();
    }
  });
}

/** The queue of a job, or the one that is called so, by URL or by name, itself or its dead-letter queue. */
async function findQueue(
  sqs: SQSClient,
  called: string,
): Promise<IntakeQueue & { readonly deadLetterUrl: string }> {
  const intakes = await intakesOf(loadConfig(process.env), sqs);
  const ofJob = intakes.filter(({ job }) => job === called);
  for (const intake of ofJob.length > 0 ? ofJob : intakes) {
    const { queueUrl, deadLetterUrl } = await findIntakeQueue(sqs, intake);
    const isMeant =
      intake.job === called || [queueUrl, deadLetterUrl].some((url) => isCalled(url, called));
    if (!isMeant) continue;
    if (deadLetterUrl) return { intake, queueUrl, deadLetterUrl };
    throw new UsageError(
      `The queue ${queueUrl} has no dead-letter queue; give it a redrive policy`,
    );
  }
  const jobs = intakes.map(({ job }) => job).join(', ') || 'none';
  throw new UsageError(
    `The settings name no queue ${called}; those that they name are of ${jobs}; see npx sheaf doctor`,
  );
}

function isCalled(queueUrl: string | undefined, called: string): boolean {
  return queueUrl !== undefined && (queueUrl === called || queueUrl.endsWith(`/${called}`));
}

function describe(job: string, { taken, failedAgain, waiting, behind }: RedriveOutcome): string {
  const total = taken.length + failedAgain.length + waiting.length;
  if (total === 0) return `  no dead letters of ${job}`;
  return [
    `  ${formatCount(total, 'dead letter')} of ${job}: ${taken.length} taken, ${failedAgain.length} failed again, ${waiting.length} waiting`,
    ...taken.map(({ messageId, workflowIds }) => {
      const runs = workflowIds.join(', ') || 'asks for nothing';
      return `  ${pc.green('taken')}         ${messageId}  ${runs}`;
    }),
    ...failedAgain.map(
      ({ messageId, reason }) => `  ${pc.red('failed again')}  ${messageId}  ${reason}`,
    ),
    ...waiting.map(
      ({ messageId }) =>
        `  ${pc.yellow('waiting')}       ${messageId}  no run has it yet: are a starter and a worker up?`,
    ),
    ...(behind > 0
      ? [`  and about ${formatCount(behind, 'letter')} behind those that stay, in their groups`]
      : []),
  ].join('\n');
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 3600) return value;
  throw new InvalidArgumentError('Expected a number of seconds from 0 to 3600.');
}
