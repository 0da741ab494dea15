import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { afterwards } from '../support/afterwards.ts';
import { itemsCase } from '../support/items-case.ts';
import { startProcess } from '../support/processes.ts';
import { routeCase } from '../support/route-case.ts';
import { tempFolder } from '../support/temp-folder.ts';

const PAGE = new URL('../../docs/processors.md', import.meta.url);
const ROUTING_PAGE = new URL('../../docs/routing.md', import.meta.url);

test('the processor of docs/processors.md, added as the page says', async () => {
  const items = await itemsCase();
  const service = await indexingService({ refused: '4712' });
  const PROCESSORS = join(await tempFolder(), 'index-document.mjs');
  await writeFile(PROCESSORS, await blockOf(PAGE, 'processor'));
  const env = { ...items.settings, TASK_QUEUE: items.taskQueue, PROCESSORS };
  await startProcess('worker', env);
  const source = await items.put('todo.csv', `id,url\n4711,${service.url}\n4712,${service.url}\n`);

  const run = await items.start({ source, processor: 'index-document' });
  const result = await run.result();

  expect(result).toMatchObject({ total: 2, succeeded: 1, failed: 1 });
  expect(service.indexed).toEqual(['4711']);
  expect(await items.failures(result.failures)).toEqual([
    { id: '4712', error: `${service.url} answers with status 503` },
  ]);
});

test('the processor and the rules of docs/routing.md, added as the page says', async () => {
  const route = await routeCase();
  const folder = await tempFolder();
  const PROCESSORS = join(folder, 'count-lines.mjs');
  const ROUTE_RULES = join(folder, 'rules.json');
  // A package that a file imports is looked for from where the file lies.
  const code = await blockOf(ROUTING_PAGE, 'file processor');
  const s3 = import.meta.resolve('@aws-sdk/client-s3');
  await writeFile(PROCESSORS, code.replace("'@aws-sdk/client-s3'", `'${s3}'`));
  await writeFile(ROUTE_RULES, await blockOf(ROUTING_PAGE, 'file rules'));
  const env = { ...route.settings, TASK_QUEUE: route.taskQueue, PROCESSORS, ROUTE_RULES };
  await startProcess('worker', env);
  await route.put('notes.txt', Buffer.from('one\ntwo\n'));
  await route.put('empty.txt', Buffer.alloc(0));

  const [notes, empty] = await Promise.all(
    ['notes.txt', 'empty.txt'].map(async (key) =>
      (await route.start({ bucket: route.bucket, key })).result(),
    ),
  );

  expect(notes).toMatchObject({ status: 'processed', size: 8, result: { lines: 2, size: 8 } });
  expect(empty).toMatchObject({ status: 'too-small', size: 0 });
});

/** The code block that is marked on a page. */
async function blockOf(page: URL, mark: string): Promise<string> {
  const block = new RegExp(
    `<!-- ${mark}: begin -->\n\`\`\`\\w+\n(.*?)\`\`\`\n<!-- ${mark}: end -->`,
    's',
  );
  const [, code = ''] = block.exec(await readFile(page, 'utf8')) ?? [];
  return code;
}

/** A service that takes documents by their ids, and refuses one. */
async function indexingService({ refused }: { refused: string }) {
  const indexed: string[] = [];
  const server = createServer(async (request, response) => {
    const id = await text(request);
    if (id !== refused) indexed.push(id);
    response.writeHead(id === refused ? 503 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { indexed, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
