import { metricMeter } from '@temporalio/workflow';
import { Metrics } from '../telemetry/metrics.ts';

/** What a workflow counts; when it is replayed, it counts nothing. */
export const metrics = new Metrics(metricMeter);
