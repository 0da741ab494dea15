import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Workspace } from '../../src/activities/workspace.ts';
import { disksSay } from '../support/disk-stats.ts';
import {
  filesOf,
  imageBytesOf,
  paleExport,
  plainExport,
  tarByPython,
  zipByPython,
} from '../support/export-fixtures.ts';
import { uniqueName } from '../support/harness.ts';
import { splitCase, startWorker } from '../support/split-case.ts';
import { expectBatchZips } from '../support/split-expectations.ts';
import { tempFolder } from '../support/temp-folder.ts';
import {
  type BadArchive,
  expectRefusal,
  startWorkerWith,
  type WorkspaceWorker,
} from '../support/workspaces.ts';

const MIB = 1024 * 1024;

/** What workspaces leave free to others, in bytes. */
const RESERVE = 256 * MIB;

const BATCH_SIZE = 5;
const CONTENT = plainExport(5);

let folder: string;
beforeEach(async () => {
  folder = await tempFolder();
});

describe('an archive of', () => {
  const LIMIT = 1000;

  test.each([
    ['.tar.gz', 'extractArchive', gzipSync(tarByPython(filesOf(CONTENT)))],
    ['.zip', 'downloadArchive', zipByPython(filesOf(CONTENT))],
  ])(
    'MAX_TMP_SIZE goes to the temp folder, of one byte more to EFS_PATH: %s',
    async (kind, type, archive) => {
      const efs = await tempFolder();
      const settings = { TMPDIR: folder, EFS_PATH: efs, MAX_TMP_SIZE: `${LIMIT}` };
      const placeOf = async (totalSize: number) => {
        const split = await splitCase(archive, { file: `${uniqueName()}${kind}`, totalSize });
        await startWorker(split.taskQueue, { WORKSPACE: 'disk', ...settings });
        const run = await split.start({ batchSize: BATCH_SIZE });
        await run.result();
        await expectBatchZips(split, CONTENT, BATCH_SIZE);
        const { path, queue } = await workspaceOf(run, type);
        return { path, isShared: queue === split.taskQueue };
      };

      const small = await placeOf(LIMIT);
      const large = await placeOf(LIMIT + 1);

      expect(small.path.startsWith(join(folder, 'sheaf/'))).toBe(true);
      expect(large.path.startsWith(join(efs, 'sheaf-'))).toBe(true);
      expect([small.isShared, large.isShared]).toEqual([false, true]);
    },
  );
});

describe('a run waits, and says for what,', () => {
  const content = paleExport(5, 1_000_000);
  const unpacked = tarByPython(filesOf(content));
  const archive = gzipSync(unpacked);
  const zip = zipByPython(filesOf(CONTENT));

  test('where the disk has no room for what a TAR.GZ inflates to', async () => {
    disksSay({ bavail: RESERVE + unpacked.length - 1, frsize: 1 });
    expect(archive.length).toBeLessThan(unpacked.length / 10);

    await expectWait({
      ...{ archive, content, kind: '.tar.gz', env: { EFS_PATH: folder } },
      waitsFor: `The disk of ${folder} has ${RESERVE + unpacked.length - 1} bytes free, the job needs ${unpacked.length} more and leaves ${RESERVE} to others; make room there, or name a larger disk (TMPDIR for small archives, EFS_PATH for large ones)`,
      end: async () => {
        disksSay({ bavail: RESERVE + unpacked.length, frsize: 1 });
      },
    });
  });

  test('where the disk has no room for a ZIP', async () => {
    disksSay({ bavail: RESERVE + zip.length - 1, frsize: 1 });
    await expectWait({
      ...{ archive: zip, content: CONTENT, kind: '.zip', env: { EFS_PATH: folder } },
      waitsFor: `The disk of ${folder} has ${RESERVE + zip.length - 1} bytes free, the job needs ${zip.length} more and leaves ${RESERVE} to others; make room there, or name a larger disk (TMPDIR for small archives, EFS_PATH for large ones)`,
      end: async () => {
        disksSay({ bavail: RESERVE + zip.length, frsize: 1 });
      },
    });
  });

  test('where EFS_PATH is not there', async () => {
    const EFS_PATH = join(folder, 'not mounted');
    await expectWait({
      ...{ archive, content, kind: '.tar.gz', env: { EFS_PATH } },
      waitsFor: `The folder for workspaces, ${EFS_PATH}, is not there; mount it or make it`,
      end: () => mkdir(EFS_PATH).then(() => {}),
    });
  });

  /** Runs a job on the shared mount, and ends what it waits for once it has said what that is. */
  async function expectWait(wait: {
    archive: Buffer;
    content: typeof CONTENT;
    kind: string;
    env: Record<string, string>;
    waitsFor: string;
    end: () => Promise<void>;
  }): Promise<void> {
    const split = await splitCase(wait.archive, { file: `${uniqueName()}${wait.kind}` });
    await startWorker(split.taskQueue, { WORKSPACE: 'disk', MAX_TMP_SIZE: '0', ...wait.env });
    const run = await split.start({ batchSize: BATCH_SIZE });
    await vi.waitFor(
      async () => {
        const { raw } = await run.describe();
        expect(raw.pendingActivities?.[0]?.lastFailure?.message).toBe(wait.waitsFor);
      },
      { timeout: 20_000, interval: 50 },
    );
    await wait.end();
    await run.result();
    await expectBatchZips(split, wait.content, BATCH_SIZE);
  }
});

describe.each(['disk, local', 'disk, shared'] as const)('refused in workspace %s:', (workspace) => {
  const zip = zipByPython(filesOf(CONTENT));
  const image = imageBytesOf('image-3.jpg', 2000);
  const crcOf = (bytes: Buffer) => crc32(bytes).toString(16).padStart(8, '0');

  let worker: WorkspaceWorker;
  beforeAll(async () => {
    worker = await startWorkerWith(workspace);
  });

  test.each<BadArchive>([
    {
      title: 'a ZIP that is cut off',
      archive: zip.subarray(0, -1),
      error: `The ZIP archive is truncated: the end of central directory record at offset ${zip.length - 22} is cut off at the end of the archive, ${zip.length - 1}`,
    },
    {
      title: 'a ZIP with a wrong CRC',
      archive: flipped(zip, zip.indexOf(image)),
      error: `Entry "image-3.jpg": CRC-32 is ${crcOf(flipped(image, 0))}, the archive says ${crcOf(image)}`,
    },
    {
      title: 'a ZIP without a manifest',
      archive: zipByPython(filesOf(CONTENT).slice(0, -1)),
      error:
        'The archive has no manifest: expected manifest.csv or one *.csv beside the images, found 5 files, none of them a CSV',
    },
  ])('$title', (refused) => expectRefusal(worker, refused));

  function flipped(bytes: Buffer, offset: number): Buffer {
    const changed = Buffer.from(bytes);
    changed[offset] = (bytes[offset] ?? 0) ^ 1;
    return changed;
  }
});

/** Where a run had its folder, and the task queue of the activity that put the archive there. */
async function workspaceOf(run: WorkflowHandle, activityType: string) {
  const { events } = await run.fetchHistory();
  const scheduled = (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: attributes, eventId }) =>
      attributes ? [{ ...attributes, eventId }] : [],
  );
  const opened = scheduled.find(({ activityType: type }) => type?.name === 'openWorkspace');
  const done = events?.find(({ activityTaskCompletedEventAttributes: completed }) =>
    completed?.scheduledEventId?.equals(opened?.eventId ?? 0),
  );
  const [payload] = done?.activityTaskCompletedEventAttributes?.result?.payloads ?? [];
  const { path } = defaultPayloadConverter.fromPayload<Workspace>(payload ?? {});
  const placed = scheduled.find(({ activityType: type }) => type?.name === activityType);
  return { path, queue: placed?.taskQueue?.name };
}
