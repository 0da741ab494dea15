import { defineQuery } from '@temporalio/workflow';
import type { FoundFile } from '../activities/route-file.ts';
import type { RouteState } from '../messages/route.ts';
import type { RouteRule } from '../routing/rules.ts';
import { grouped } from './tally.ts';

/** A state that a run has entered. */
export interface EnteredState {
  readonly state: RouteState;
  /** What came of it, once that is known. */
  outcome?: string;
}

/** The answer to the `progress` query of a route run. */
export interface RouteProgress {
  stage: RouteState | 'starting' | 'done' | 'failed';
  /** The file, as `s3://bucket/key`. */
  file: string;
  /** In bytes; null where it is absent or unknown. */
  size: number | null;
  threshold: number | null;
  /** The states so far, in order. */
  states: EnteredState[];
  /** The child run that splits the file, once there is one. */
  child?: string;
  /** Why the run failed. */
  error?: string;
}

export const routeProgressQuery = defineQuery<RouteProgress>('progress');

/** The progress as the Web UI shows it, in Markdown. */
export function describeRoute({ stage, file, states, child, error }: RouteProgress): string {
  const lines = [`**${STAGES[stage]}** \`${file}\``, ''];
  states.forEach(({ state, outcome }, index) => {
    lines.push(`${index + 1}. **${state}**${outcome ? `: ${outcome}` : ''}`);
  });
  if (child) lines.push('', `Split by the child run \`${child}\``);
  if (error) lines.push('', error);
  return lines.join('\n');
}

const STAGES: Record<RouteProgress['stage'], string> = {
  starting: 'Routing',
  CheckFileSize: 'Looking at',
  ChoiceState: 'Choosing what to do with',
  ProcessFile: 'Processing',
  NotifyFileOk: 'Telling the result of',
  NotifyFileTooSmall: 'Telling that there is nothing to do with',
  DefaultState: 'Can do nothing with',
  done: 'Routed',
  failed: 'Could not route',
};

/** A size for people, in bytes. */
export function describeSize(size: number): string {
  return `${grouped(size)} bytes`;
}

/** What ChoiceState has come to. */
export function describeChoice(rule: RouteRule | undefined, threshold: number): string {
  if (!rule) return 'no rule holds, so DefaultState';
  const than = rule.size === 'threshold' ? threshold : rule.size;
  return `${rule.comparison} ${describeSize(than)}, so ${rule.action}`;
}

/** Why a file with a size has come to DefaultState. @param rule the one that says so, if one does */
export function describeMismatch(
  { bucket, key, size, threshold }: FoundFile & { readonly threshold: number },
  rule: RouteRule | undefined,
): string {
  const has = `s3://${bucket}/${key} has ${describeSize(size)}`;
  if (rule) return `${has}, which a rule sends to DefaultState`;
  return size === threshold
    ? `${has}, exactly the threshold, and no rule holds; give another threshold, or add a rule (ROUTE_RULES)`
    : `${has}, for which no rule holds; add one (ROUTE_RULES)`;
}
