import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { Command } from 'commander';
import pc from 'picocolors';
import { type Connected, connected, runLink } from './connection.ts';
import { describeRun } from './describe-run.ts';
import { shellWord } from './format.ts';
import { type Job, jobOfType } from './job-view.ts';
import { describeTallies, type RunProgress } from './progress-bars.ts';
import { durationOf, factsOf, formatTime, isRetryable, type RunFacts } from './run-facts.ts';

/** What is going on in a run that is open. */
interface Pending {
  /** Activities that have failed so far, and are tried again. */
  readonly failing: readonly { activity: string; attempt: number; error: string }[];
  /** Child runs that are open. */
  readonly children: readonly string[];
}

/** All that `sheaf show` knows of a run. */
interface Shown extends RunFacts, Pending {
  readonly link?: string;
  readonly parent?: string;
  readonly progress?: RunProgress;
  readonly result?: unknown;
  /** Whether it can be run again by `sheaf retry`. */
  readonly retryable: boolean;
}

/** `sheaf show`: one run, in plain words. */
export function command(): Command {
  return new Command()
    .description(
      'Shows a run: its state, how far it is, what it made, why it failed, and what is failing now.',
    )
    .argument('<workflow id>', 'id of the run, e.g. split-4711-export.zip')
    .option('--json', 'print one line of JSON')
    .action((workflowId: string, { json }: { json?: true }) =>
      connected(async (to) => {
        const { description, shown } = await read(to, workflowId);
        const job = jobOfType(description.type);
        console.log(json ? JSON.stringify(shown) : describe(shown, job, to.ui));
      }),
    );
}

async function read({ client, ui }: Connected, workflowId: string) {
  const description = await describeRun(client, workflowId);
  const { type, status, parentExecution } = description;
  const job = jobOfType(type);
  const link = runLink(ui, workflowId);
  const progress = await job?.view.readProgress(client, workflowId);
  const summary = await description.staticSummary();
  const shown: Shown = {
    ...(await factsOf(client, description)),
    ...(summary && { summary }),
    ...(link && { link }),
    ...(parentExecution?.workflowId && { parent: parentExecution.workflowId }),
    ...(progress && { progress }),
    ...(status.name === 'COMPLETED' && { result: await resultOf(client, description) }),
    ...pendingOf(description),
    retryable: isRetryable(description) && !parentExecution,
  };
  return { description, shown };
}

function resultOf(client: Client, { workflowId, runId }: WorkflowExecutionDescription) {
  return client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
}

function pendingOf({ raw }: WorkflowExecutionDescription): Pending {
  const failing = (raw.pendingActivities ?? []).flatMap((activity) => {
    const { activityType, attempt, lastFailure } = activity;
    if (!lastFailure) return [];
    const { message } = defaultFailureConverter.failureToError(
      lastFailure,
      defaultPayloadConverter,
    );
    return { activity: activityType?.name ?? '', attempt: attempt ?? 1, error: message };
  });
  const children = (raw.pendingChildren ?? []).flatMap(({ workflowId }) => workflowId || []).sort();
  return { failing, children };
}

/** A run for people. */
function describe(shown: Shown, job: Job | undefined, ui: string | undefined): string {
  const { workflowId, status, startTime, closeTime, link, parent, progress, result } = shown;
  const { summary, error, failing, children, retryable } = shown;
  // Where somebody has stopped it, the stage that it was in is no news.
  const stopped = ['cancelled', 'terminated'].includes(status);
  const times = `started ${formatTime(startTime)}, ${closeTime ? 'took' : 'for'} ${durationOf(shown)}`;
  return [
    `  ${pc.bold(workflowId)}`,
    `  ${status}, ${times}`,
    ...(summary ? [`  ${summary}`] : []),
    ...(link ? [`  ${link}`] : []),
    ...(parent ? [`  a part of ${parent}`] : []),
    ...(progress
      ? ['', `  ${describeTallies(stopped ? { ...progress, stage: '' } : progress)}`]
      : []),
    ...(result !== undefined && job ? ['', job.view.report(result)] : []),
    ...(error === undefined ? [] : ['', `  ${pc.red(error)}`]),
    ...(failing.length > 0 ? ['', '  failing now, and tried again'] : []),
    ...failing.map(
      ({ activity, attempt, error }) => `    ${activity}, attempt ${attempt}: ${error}`,
    ),
    ...(children.length > 0 ? ['', '  under way in'] : []),
    ...children.map((id) => `    ${runLink(ui, id) ?? id}`),
    ...(retryable ? ['', `  to run it again: npx sheaf retry ${shellWord(workflowId)}`] : []),
  ].join('\n');
}
