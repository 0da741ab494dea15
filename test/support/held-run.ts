import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import type { splitArchive } from '../../src/workflows/split-archive.ts';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import type { ExportContent } from './export-fixtures.ts';
import { uniqueName } from './harness.ts';
import { type Held, hold } from './holds.ts';
import type { S3Call, S3Proxy } from './s3-proxy.ts';
import { type SplitCase, splitCase } from './split-case.ts';
import { expectBatchZips } from './split-expectations.ts';
import type { TestArchive } from './test-archives.ts';

/** Where runs are started whose calls to S3 pass a proxy. */
export interface HeldStage {
  readonly proxy: S3Proxy;
  readonly taskQueue: string;
}

/** A run of a case of its own, some of whose calls to S3 are held. */
export interface HeldRun {
  readonly content: ExportContent;
  readonly split: SplitCase;
  readonly run: WorkflowHandle<typeof splitArchive>;
  readonly held: Held;
  /** What its keys, but for the archive's, begin with. */
  readonly name: string;
  /** The key of the object that it stages its files in. */
  readonly records: string;
  /** The key of its first batch zip. */
  readonly batch: string;
  /** Whether a call is one of this run, which every key of it tells. */
  owns(call: S3Call): boolean;
}

/** Starts a run of which the calls that match are held, those of other runs are not. */
export async function startHeld(
  { proxy, taskQueue }: HeldStage,
  { content, suffix, bytes }: TestArchive,
  matches: (call: S3Call) => boolean,
  fields: Partial<SplitCase['job']> = {},
): Promise<HeldRun> {
  const name = uniqueName();
  const split = await splitCase(bytes, { ...fields, file: name + suffix }, taskQueue);
  const owns = ({ key }: S3Call) => key.includes(name);
  const held = hold(proxy, (call) => owns(call) && matches(call));
  const run = await split.start();
  const records = `sheaf/${splitWorkflowId(split.job)}/records`;
  return { content, split, run, held, name, records, batch: `batch/${name}-part1.zip`, owns };
}

/** The first bytes that calls on a run's archive ask for, in order of arrival. */
export function archiveReads({ split }: HeldRun, calls: readonly S3Call[]): number[] {
  return calls
    .filter(({ operation, key }) => operation === 'GetObject' && key === split.job.exportPath)
    .map(({ rangeStart }) => rangeStart);
}

/** Asserts that a run ends well, in one batch zip of all rows; see {@link expectBatchZips}. */
export async function expectSplit({ run, split, content }: HeldRun): Promise<void> {
  await run.result();
  await expectBatchZips(split, content, content.rows.length);
}

/** Asserts that a run fails, that its client is told why, once, and that only its archive is left. */
export async function expectTold({ run, split }: HeldRun, error: string): Promise<void> {
  await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
  const { downloadId, exportPath } = split.job;
  expect(await split.results()).toEqual([
    { function: 'BiospexBatchCreator', status: 'failed', downloadId, error },
  ]);
  expect(await split.keys()).toEqual([exportPath]);
  expect(await split.uploads()).toEqual([]);
}
