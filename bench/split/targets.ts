import type { SampleFormat } from '../../src/local/sample-export.ts';
import { type Promised, speed } from '../contest/targets.ts';

/** Times the careful TypeScript program's speed on a ZIP, with VERIFY on and off. */
const TIMES_VERIFIED = 6;
const TIMES_UNVERIFIED = 9;

/** Share of the bytes made that may pass through the worker with VERIFY off. */
const SHARE_THROUGH_WORKER = 0.01;

/** Times the careful TypeScript program's speed on a TAR.GZ. */
const TIMES_INFLATED = 3;

/** Times the floor and one pass of uploads that a TAR.GZ may take. */
const TIMES_FLOOR = 1.5;

const throughWorker: Promised = (find) => {
  const summary = find('a2');
  if (!summary) return undefined;
  const share = (summary.bytesRead + summary.bytesWritten) / summary.bytesMade;
  return {
    promise: `${summary.title}: under 1% of the bytes written pass through the worker`,
    measured: `${(100 * share).toFixed(2)}%`,
    met: share < SHARE_THROUGH_WORKER,
  };
};

const nearFloor: Promised = (find) => {
  const [summary, floor, uploads] = [find('a'), find('e'), find('u')];
  if (!summary || !floor || !uploads) return undefined;
  const times = summary.seconds.median / (floor.seconds.median + uploads.seconds.median);
  return {
    promise: `${summary.title}: within ${TIMES_FLOOR} times (e) and (u) together`,
    measured: `${times.toFixed(2)} times`,
    met: times <= TIMES_FLOOR,
  };
};

/** What was promised of splits, by the format of the archive. */
export const PROMISED: Record<SampleFormat, readonly Promised[]> = {
  zip: [speed('a', TIMES_VERIFIED), speed('a2', TIMES_UNVERIFIED), throughWorker],
  tar: [],
  'tar.gz': [speed('a', TIMES_INFLATED), nearFloor],
};
