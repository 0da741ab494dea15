import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { SDK_METRICS } from './metrics.ts';
import { faultsOf } from './promql.ts';

test.each([
  ['sum by (job_type) (rate(sheaf_parts_total{how="copied"}[5m])) > 0', []],
  ['sum by (job_type) (sheaf_parts_total', ['unexpected']],
  ['sum(sheaf_parts_total) by', ['unexpected']],
  ['rate(sheaf_parts_total)', ['expected type matrix']],
  ['histogram_quantile(0.9)', ['expected 2 argument(s)']],
  ['sheaf_pieces_total', ['there is no metric "sheaf_pieces_total"']],
  ['sheaf_parts_total{state="done"}', ['sheaf_parts_total has no label "state"']],
  ['sheaf_parts_total{how=~"copied|moved"}', ['sheaf_parts_total has no how "moved"']],
  ['sum by (queue) (sheaf_parts_total)', ['no metric has a label "queue"']],
])('faults of %s', (expression, expected) => {
  const faults = faultsOf(expression);
  expect(faults).toHaveLength(expected.length);
  expected.forEach((fault, n) => {
    expect(faults[n]).toContain(fault);
  });
});

test("Temporal's SDK has the metrics of the list", () => {
  const require = createRequire(import.meta.url);
  const releases = join(
    dirname(require.resolve('@temporalio/core-bridge/package.json')),
    'releases',
  );
  const [platform = ''] = readdirSync(releases).filter((name) =>
    name.includes('x86_64-unknown-linux'),
  );
  const library = readFileSync(join(releases, platform, 'index.node'));
  for (const { name } of SDK_METRICS) {
    const stem = name.replace(/^temporal_/, '').replace(/_(bucket|count|sum)$/, '');
    expect([name, library.includes(stem)]).toEqual([name, true]);
  }
});
