import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { CheckedFile } from '../activities/route-file.ts';
import type { RouteState } from '../messages/route.ts';
import {
  describeRoute,
  describeSize,
  type RouteProgress,
  routeProgressQuery,
} from './route-progress.ts';

/** Where a route run shows its states: to the `progress` query, and in the Web UI. */
export class RouteBoard {
  readonly progress: RouteProgress = {
    stage: 'starting',
    file: '',
    size: null,
    threshold: null,
    states: [],
  };

  constructor() {
    setHandler(routeProgressQuery, () => this.progress);
    this.#show();
  }

  /** The states so far, in order. */
  get states(): RouteState[] {
    return this.progress.states.map(({ state }) => state);
  }

  /** The newest state. */
  get state(): string {
    return this.states.at(-1) ?? '';
  }

  enter(state: RouteState): void {
    this.progress.stage = state;
    this.progress.states.push({ state });
    this.#show();
  }

  /** What came of the state that the run is in. */
  outcome(outcome: string): void {
    const last = this.progress.states.at(-1);
    if (last) last.outcome = outcome;
    this.#show();
  }

  checked({ bucket, key, size, threshold }: CheckedFile): void {
    Object.assign(this.progress, { file: `s3://${bucket ?? '?'}/${key ?? '?'}`, size, threshold });
    this.outcome(size === null ? 'no size' : describeSize(size));
  }

  /** @param child the run that splits the file */
  split(child: string): void {
    this.progress.child = child;
    this.#show();
  }

  done(message: string): void {
    this.outcome(message);
    this.progress.stage = 'done';
    this.#show();
  }

  fail(error: string): void {
    this.progress.error = error;
    this.progress.stage = 'failed';
    this.#show();
  }

  #show(): void {
    setCurrentDetails(describeRoute(this.progress));
  }
}
