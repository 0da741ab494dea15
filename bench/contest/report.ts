import { formatBytes } from '../../src/cli/format.ts';
import type { Row } from '../report/table.ts';
import type { Summary } from './summary.ts';
import type { Target } from './targets.ts';

const HEADER: Row = [
  '',
  'median',
  'range',
  'times (c)',
  'MB/s',
  'read',
  'written',
  'requests',
  'memory',
  'disk',
  'CPU',
  "S3's CPU",
];

/** The competitors side by side. */
export function standingsTable(summaries: readonly Summary[]): Row[] {
  return [HEADER, ...summaries.map(standingsRow)];
}

function standingsRow(summary: Summary): Row {
  const { id, title, seconds, timesBaseline, throughput } = summary;
  return [
    `(${id}) ${title}`,
    `${seconds.median.toFixed(2)} s`,
    `${seconds.min.toFixed(2)} to ${seconds.max.toFixed(2)} s`,
    timesBaseline?.toFixed(1) ?? '-',
    (throughput / 1e6).toFixed(0),
    formatBytes(summary.bytesRead),
    formatBytes(summary.bytesWritten),
    String(summary.requests),
    optional(summary.peakMemory, formatBytes),
    formatBytes(summary.disk),
    optional(summary.cpuSeconds, inSeconds),
    optional(summary.s3CpuSeconds, inSeconds),
  ];
}

/** What the table leaves out, in a sentence each. */
export function standingsNotes(summaries: readonly Summary[]): string[] {
  const notes: string[] = [];
  for (const { id, lanes } of summaries) {
    if (lanes) notes.push(`(${id}) had ${lanes}, the fastest of those tried.`);
  }
  const starter = Math.max(...summaries.map((summary) => summary.peakMemoryOfHelpers ?? 0));
  if (starter > 0) {
    notes.push(
      `Memory is the worker's; the starter takes ${formatBytes(starter)} beside it, and CPU is of both.`,
    );
  }
  return notes;
}

/** Promises and what became of them. */
export function targetsTable(targets: readonly Target[]): Row[] {
  return [
    ['target', 'measured', ''],
    ...targets.map(
      ({ promise, measured, met }): Row => [promise, measured, met ? 'met' : 'missed'],
    ),
  ];
}

function optional(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '-' : format(value);
}

function inSeconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
