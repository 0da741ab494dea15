import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { hold, WAIT } from '../support/holds.ts';
import { startProcess } from '../support/processes.ts';
import { archiveOf, routeCase } from '../support/route-case.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** A processor that leaves a mark and hangs when it is called first, and then does its work. */
const MODULE = `
import { existsSync, writeFileSync } from 'node:fs';
export default () => ({
  name: 'hangs-once',
  processFile({ key }) {
    if (existsSync(process.env.MARK)) return { done: key };
    writeFileSync(process.env.MARK, '');
    return new Promise(() => {});
  },
});
`;

const RULES = [
  { comparison: '<', size: 'threshold', action: 'ProcessFile', processor: 'hangs-once' },
  { comparison: '>', size: 'threshold', action: 'ProcessFile' },
];

test('a worker that is killed in ProcessFile: another one goes on, and each file has one notice', async () => {
  const route = await routeCase();
  const folder = await tempFolder();
  const [PROCESSORS, ROUTE_RULES, MARK] = ['hangs.mjs', 'rules.json', 'mark'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  await writeFile(PROCESSORS, MODULE);
  await writeFile(ROUTE_RULES, JSON.stringify(RULES));
  const env = { ...route.settings, TASK_QUEUE: route.taskQueue, PROCESSORS, ROUTE_RULES, MARK };
  const proxy = await s3Proxy();
  const held = hold(proxy, ({ operation }) => operation === 'UploadPart');
  const worker = await startProcess('worker', env, proxy.stack);
  await route.put('a.zip', await archiveOf(2_000_001));
  await route.put('a.txt', Buffer.from('text'));
  const runs = await Promise.all(
    ['a.zip', 'a.txt'].map((key) => route.start({ bucket: route.bucket, key })),
  );
  await vi.waitFor(() => {
    expect([held.calls.length, existsSync(MARK)]).toEqual([1, true]);
  }, WAIT);

  await worker.kill();
  held.release();
  await startProcess('worker', env, proxy.stack);

  const [split, processed] = await Promise.all(runs.map((run) => run.result()));
  expect(split).toMatchObject({ status: 'processed', size: 2_000_001 });
  expect(processed).toMatchObject({ status: 'processed', result: { done: 'a.txt' } });
  const notices = (await route.notices()) as { key: string }[];
  expect(notices.map(({ key }) => key).toSorted()).toEqual(['a.txt', 'a.zip']);
  expect(await route.keys()).toEqual(['a.txt', 'a.zip', 'batch/a-part1.zip']);
});
