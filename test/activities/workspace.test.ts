import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { createActivities } from '../../src/activities/index.ts';
import type { InspectedArchive } from '../../src/activities/inspect-archive.ts';
import { loadConfig } from '../../src/config.ts';
import { Budget } from '../../src/storage/budget.ts';
import { testS3, testSqs } from '../support/harness.ts';

const ARCHIVE: InspectedArchive = {
  source: { bucket: 'bucket', key: 'export/a.zip', etag: '"1"', size: 1000 },
  container: 'zip',
  workspace: 'disk',
};

test.each([0, 10 ** 12])(
  'a worker with WORKSPACE=s3 says so to a disk job of %d bytes',
  async (size) => {
    const { openWorkspace } = createActivities({
      processors: new Map(),
      rules: [],
      bytes: new Budget(1),
      serve: () => Promise.reject(new Error('not here')),
      s3: testS3(),
      sqs: testSqs(),
      config: loadConfig({ WORKSPACE: 's3' }),
    });

    await expect(new MockActivityEnvironment().run(openWorkspace, ARCHIVE, size)).rejects.toThrow(
      expect.objectContaining({
        message:
          'This worker runs with WORKSPACE=s3, but the job wants a disk: set WORKSPACE=disk for all workers of the task queue',
        // Another worker of the task queue may have one.
        nonRetryable: false,
      }),
    );
  },
);
