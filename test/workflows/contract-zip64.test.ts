import { test } from 'vitest';
import { exportOf, filesOf, plainRow, zipByPython } from '../support/export-fixtures.ts';
import { splitCase, startWorker } from '../support/split-case.ts';
import { expectBatchZips } from '../support/split-expectations.ts';

/** More than the 16 bits of an end record without Zip64 can count (APPNOTE.TXT 4.4.1.4). */
const IMAGES = 66_000;

test('an archive of 66,000 images becomes a batch zip of as many, with Zip64 counts', async () => {
  const names = Array.from({ length: IMAGES }, (_, index) => `${index}.jpg`);
  const content = exportOf(names.map(plainRow), { imageBytes: 20 });
  const split = await splitCase(zipByPython(filesOf(content)));
  await startWorker(split.taskQueue, { BATCH_SIZE: `${IMAGES}` });

  await (await split.start()).result();

  await expectBatchZips(split, content, IMAGES);
});
