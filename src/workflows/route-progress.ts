import { defineQuery } from '@temporalio/workflow';
import type { RouteState } from '../messages/route.ts';
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

/** A size for people. */
export function bytes(size: number): string {
  return `${grouped(size)} bytes`;
}
