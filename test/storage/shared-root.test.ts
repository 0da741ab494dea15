import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { sweepSharedRoot } from '../../src/storage/shared-root.ts';
import { createWorkspace } from '../../src/storage/workspace-folder.ts';
import { makeOld, tempFolder } from '../support/temp-folder.ts';

describe('sweepSharedRoot', () => {
  let root: string;

  beforeEach(async () => {
    root = await tempFolder();
  });

  test('removes what is of closed runs and was not touched for an hour, and nothing else', async () => {
    const left = await workspace('left', 61);
    await workspace('open', 600);
    await workspace('fresh', 59);
    const asked: string[][] = [];

    const swept = await sweepSharedRoot(root, async (...ids) => {
      asked.push(ids);
      return ids[0] === 'open';
    });

    expect(swept).toEqual({ removed: [left], failed: [] });
    expect(asked.toSorted()).toEqual([
      ['left', 'run of left'],
      ['open', 'run of open'],
    ]);
    expect(await names()).toEqual(['fresh', 'open']);
  });

  test('leaves a folder of which one file was touched', async () => {
    const path = await workspace('in use', 61);
    await utimes(join(path, 'archive.zip'), new Date(), new Date());

    expect(await sweepSharedRoot(root, nothingIsOpen)).toEqual({ removed: [], failed: [] });
  });

  test('leaves a folder that is taken up again while Temporal is asked', async () => {
    const path = await workspace('of another server', 61);
    const swept = await sweepSharedRoot(root, async () => {
      await utimes(path, new Date(), new Date());
      return false;
    });

    expect(swept).toEqual({ removed: [], failed: [] });
  });

  test('removes an old folder that somebody else has swept the ids from', async () => {
    const path = await workspace('half swept', 0);
    await rm(join(path, 'run.json'));
    await makeOld(path, 61);

    expect(await sweepSharedRoot(root, everythingIsOpen)).toEqual({ removed: [path], failed: [] });
  });

  test('leaves what is not ours', async () => {
    await mkdir(join(root, 'exports', 'sheaf'), { recursive: true });
    await writeFile(join(root, 'notes.txt'), 'x');
    await makeOld(root, 6000);

    expect(await sweepSharedRoot(root, nothingIsOpen)).toEqual({ removed: [], failed: [] });
  });

  test('goes on past a folder that it can not ask about, and tells of it', async () => {
    const first = await workspace('a', 61);
    const second = await workspace('b', 61);
    const broken = new Error('Temporal is down');
    const swept = await sweepSharedRoot(root, async (workflowId) => {
      if (workflowId === 'a') throw broken;
      return false;
    });

    expect(swept).toEqual({ removed: [second], failed: [{ path: first, error: broken }] });
  });

  test('tells of a root that is not there', async () => {
    const missing = join(root, 'not mounted');

    expect(await sweepSharedRoot(missing, nothingIsOpen)).toEqual({
      removed: [],
      failed: [{ path: missing, error: expect.objectContaining({ code: 'ENOENT' }) }],
    });
  });

  test('is fine with other workers that sweep at the same time', async () => {
    for (let index = 0; index < 20; index++) await workspace(`left ${index}`, 61);
    const sweeps = Array.from({ length: 6 }, () => sweepSharedRoot(root, nothingIsOpen));

    for (const { failed } of await Promise.all(sweeps)) expect(failed).toEqual([]);
    expect(await names()).toEqual([]);
  });

  /** A workspace that was last touched so many minutes ago. */
  async function workspace(workflowId: string, minutes: number): Promise<string> {
    const path = await createWorkspace(root, { workflowId, runId: `run of ${workflowId}` }, 1);
    await writeFile(join(path, 'archive.zip'), 'x');
    await makeOld(path, minutes);
    return path;
  }

  /** The folders that are there, by what can be read of their names. */
  async function names(): Promise<string[]> {
    const found = await readdir(root);
    return found.map((name) => basename(name).split('-').slice(1, -1).join(' ')).toSorted();
  }
});

const nothingIsOpen = async () => false;
const everythingIsOpen = async () => true;
