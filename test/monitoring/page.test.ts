import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { OWN_METRICS } from './metrics.ts';

const PAGE = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');

test('docs/monitoring.md lists every metric with its type, its labels and what it means', () => {
  const rows = OWN_METRICS.map(({ name, kind, labels, help }) => {
    const shown = Object.keys(labels).map((label) => `\`${label}\``);
    return `| \`${name}\` | ${kind} | ${shown.join(', ') || 'none'} | ${help} |`;
  });
  const head = ['| metric | type | labels | meaning |', '| --- | --- | --- | --- |'];
  const table = [...head, ...rows].join('\n');
  expect(PAGE).toContain(table);
  expect(PAGE.match(/^\| `sheaf_/gm)).toHaveLength(OWN_METRICS.length);
});
