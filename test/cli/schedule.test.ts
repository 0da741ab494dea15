import type { ScheduleSummary } from '@temporalio/client';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { afterwards } from '../support/afterwards.ts';
import { WAIT } from '../support/holds.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';
import { sheaf } from '../support/sheaf.ts';

const HOUR_MS = 60 * 60 * 1000;

let taskQueue: string;
let items: ItemsCase;
/** The schedule's id. */
let id: string;
/** What the processor "held" waits for. */
let opened: PromiseWithResolvers<void>;

beforeAll(async () => {
  const shared = await itemsCase();
  taskQueue = shared.taskQueue;
  await shared.worker({ processors: [{ name: 'held', process: () => opened.promise }] });
});

beforeEach(async () => {
  items = await itemsCase(undefined, undefined, taskQueue);
  id = items.batchId;
  opened = Promise.withResolvers();
  afterwards(() => items.client.schedule.getHandle(id).delete());
});

describe('a schedule', () => {
  test('runs at 0, 6, 12 and 18 UTC, skips what overlaps, and is an hour late at most', async () => {
    const { code, stdout, stderr } = await create();

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [title, ...times] = stdout.trimEnd().split('\n');
    expect(title).toBe(`${id} made; its next runs:`);
    expect(times).toHaveLength(4);
    const hours = times.map((time) => /^ {2}\d{4}-\d\d-\d\dT(\d\d):00:00.000Z$/.exec(time)?.[1]);
    expect(hours.toSorted()).toEqual(['00', '06', '12', '18']);
    const [first = 0, last = 0] = [times[0], times[3]].map((time) => Date.parse(`${time?.trim()}`));
    expect(last - first).toBe(18 * HOUR_MS);
    const { policies, action, state } = await items.client.schedule.getHandle(id).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: HOUR_MS });
    expect(state.paused).toBe(false);
    const source = { generate: { count: 5, seed: 1 } };
    expect(action).toMatchObject({
      ...{ workflowType: 'processItems', workflowId: `items-${id}`, taskQueue },
      args: [{ batchId: id, source, processor: 'sleep', itemsPerChunk: 10_000 }],
    });
  });

  test('runs when --cron says, on the clock of --time-zone, as late as --catch-up allows', async () => {
    const { stdout } = await create(
      ...['--cron', '30 9 * * *', '--time-zone', 'Asia/Kolkata', '--catch-up', '10 minutes'],
    );

    expect(stdout.match(/T04:00:00.000Z$/gm)).toHaveLength(4);
    const { policies } = await items.client.schedule.getHandle(id).describe();
    expect(policies.catchupWindow).toBe(HOUR_MS / 6);
  });

  test('is listed with its next and last run, paused, resumed, and deleted', async () => {
    await create();
    await untilListed((schedule) => expect(schedule).toBeDefined());
    expect(await listed()).toMatch(/ {2}next 20\S+(00|06|12|18):00:00.000Z {2}no run yet$/);

    expect((await call('pause', id, '--note', 'holidays')).stdout).toBe(`${id} paused\n`);
    await untilListed((schedule) => expect(schedule?.state.paused).toBe(true));
    expect(await listed()).toContain('  paused: holidays  no run yet');
    const { stdout } = await call('list', '--json');
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toContainEqual({
      ...{ scheduleId: id, paused: true, note: 'holidays' },
      nextRun: expect.stringMatching(/:00:00.000Z$/),
    });

    expect((await call('resume', id)).stdout).toBe(`${id} resumed\n`);
    await untilListed((schedule) => expect(schedule?.state.paused).toBe(false));
    expect(await listed()).toContain('  next 20');
    expect((await call('delete', id)).stdout).toBe(`${id} deleted\n`);
    await untilListed((schedule) => expect(schedule).toBeUndefined());
  });

  test('that is paused is run all the same when somebody says so: a batch of its own', async () => {
    await create('--paused', '--notify', items.resultsUrl);

    const { code, stdout } = await call('run', id);

    expect(code).toBe(0);
    const workflowId = stdout.trimEnd();
    expect(workflowId).toMatch(new RegExp(`^items-${id}-20\\d\\d-\\d\\d-\\d\\dT[0-9:.]+Z$`));
    const result = await items.client.workflow.getHandle(workflowId).result();
    const batchId = workflowId.slice('items-'.length);
    expect(result).toMatchObject({ batchId, total: 5, succeeded: 5 });
    expect(await items.results()).toEqual([result]);
    await untilListed((schedule) => expect(schedule?.info.recentActions).toHaveLength(1));
    expect(await listed()).toMatch(new RegExp(` {2}paused: .* {2}last ${workflowId}$`));
  });
});

test('starts nothing while a run of it is open, and says which', async () => {
  await create('--processor', 'held');
  const { stdout } = await call('run', id);
  const workflowId = stdout.trimEnd();

  const again = await call('run', id);

  opened.resolve();
  expectError(again, `${workflowId} is still open; nothing was started`);
  await items.client.workflow.getHandle(workflowId).result();
  const { info } = await items.client.schedule.getHandle(id).describe();
  expect(info.numActionsTaken).toBe(1);
});

describe('an error of one line', () => {
  test('is that there is a schedule of the name already', async () => {
    await create();
    expectError(await create(), `There is a schedule ${id} already; delete it first`);
  });

  test.each(['run', 'delete'])('is that there is none to %s', async (command) => {
    expectError(await call(command, id), `There is no schedule ${id}; sheaf schedule list`);
  });

  test('is that the batch is none', async () => {
    expectError(
      await create('--items-per-chunk', '0'),
      'Not a batch of items: itemsPerChunk: expected a whole number from 1 to 1000000, got 0',
      2,
    );
  });

  test.each([
    ['--cron', 'at noon'],
    ['--time-zone', 'Mars/Olympus'],
    ['--catch-up', 'soon'],
  ])('is %s %s: there is no schedule then', async (option, value) => {
    expectError(await create(option, value), 'No schedule was made of --cron ', 2);
    await expect(items.client.schedule.getHandle(id).describe()).rejects.toThrow();
  });
});

/** A schedule of five items. */
function create(...options: readonly string[]) {
  return call('create', id, '--count', '5', '--time-scale', '0', ...options);
}

function call(...args: readonly string[]) {
  return sheaf(taskQueue, 'schedule', ...args);
}

/** Waits until Temporal's list, which lags behind, has the schedule as it should be. */
async function untilListed(check: (schedule: ScheduleSummary | undefined) => void): Promise<void> {
  await vi.waitFor(async () => {
    let found: ScheduleSummary | undefined;
    for await (const schedule of items.client.schedule.list()) {
      if (schedule.scheduleId === id) found = schedule;
    }
    check(found);
  }, WAIT);
}

/** The line of the list that is the schedule's. */
async function listed(): Promise<string | undefined> {
  const { stdout } = await call('list');
  return stdout.split('\n').find((line) => line.startsWith(`  ${id} `));
}

function expectError(
  { code, stdout, stderr }: Awaited<ReturnType<typeof sheaf>>,
  problem: string,
  expectedCode = 4,
) {
  expect({ code, stdout }).toEqual({ code: expectedCode, stdout: '' });
  expect(stderr.slice(0, problem.length + 7)).toBe(`sheaf: ${problem}`);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}
