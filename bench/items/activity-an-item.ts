import { proxyActivities } from '@temporalio/workflow';

/** Activities at once; Temporal lets a run have 2,000 pending. */
const LANES = 500;

const { processItem } = proxyActivities<{ processItem(index: number): Promise<void> }>({
  startToCloseTimeout: '1 minute',
});

/** The straightforward way: each item an activity of its own. */
export async function activityAnItem(count: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await processItem(next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
