import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateProcessor } from '../../src/processors/processor.ts';

/** Notes each item that it has processed in the file ITEMS_LOG, and fails every tenth. */
const createLogged: CreateProcessor = () => ({
  name: 'logged',
  async process({ id }) {
    await sleep(20);
    appendFileSync(process.env.ITEMS_LOG as string, `${id}\n`);
    if (id.endsWith('7')) throw new Error(`${id} is unlucky`);
  },
});

export default createLogged;
