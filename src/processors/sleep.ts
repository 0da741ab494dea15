import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateProcessor, ItemProcessor } from './processor.ts';

/** The reference simulation: waits an item's value in milliseconds, times the batch's time scale. */
const createSleep: CreateProcessor<ItemProcessor> = () => ({
  name: 'sleep',
  process({ value }, { timeScale, signal }) {
    const ms = value * timeScale;
    return ms > 0 ? sleep(ms, undefined, { signal }) : undefined;
  },
});

export default createSleep;
