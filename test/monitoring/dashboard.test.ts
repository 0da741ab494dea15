import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { faultsOf } from './promql.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: unknown;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
}

interface Target {
  readonly refId: string;
  readonly datasource: unknown;
  readonly expr: string;
  readonly legendFormat: string;
}

interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string }[];
  };
}

const file = new URL('../../deploy/monitoring/grafana-dashboard.json', import.meta.url);
const dashboard: Dashboard = JSON.parse(readFileSync(file, 'utf8'));
const { panels } = dashboard;
const graphs = panels.filter(({ type }) => type !== 'row');

/** Grafana divides a dashboard into so many columns. */
const COLUMNS = 24;

test('the dashboard has rows for jobs, throughput, health, S3 and memory', () => {
  expect(dashboard).toMatchObject({ uid: 'sheaf', schemaVersion: 39 });
  const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
  expect(rows).toEqual(['At a glance', 'Jobs', 'Throughput', 'Health', 'S3', 'Memory']);
});

test('each panel has its own id, and a place where no other is', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      expect(x).toBeLessThan(COLUMNS);
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([title, taken.get(`${x},${y}`)]).toEqual([title, undefined]);
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

test('each panel says how to read it, in which unit, and asks the data source of the dashboard', () => {
  const datasource = { type: 'prometheus', uid: `\${datasource}` };
  for (const { title, description = '', fieldConfig, targets = [], ...panel } of graphs) {
    expect([title, description.length > 40]).toEqual([title, true]);
    expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.any(String)]);
    expect(targets.length).toBeGreaterThan(0);
    for (const asked of [panel, ...targets]) expect(asked).toMatchObject({ datasource });
  }
});

test('panels ask for metrics that there are, in PromQL that is right', () => {
  for (const { title, targets = [] } of graphs) {
    for (const { expr } of targets) {
      const expression = expr.replaceAll(/\$__(rate_interval|range)/g, '5m');
      expect([title, ...faultsOf(expression)]).toEqual([title]);
    }
  }
});

test('legends name labels that their lines have', () => {
  for (const { title, targets = [] } of graphs) {
    for (const { expr, legendFormat } of targets) {
      const groups = [...expr.matchAll(/(?:by|group_left) \(([^)]*)\)/g)];
      const labels = groups.flatMap(([, names = '']) => names.split(', '));
      const named = [...legendFormat.matchAll(/{{(\w+)}}/g)].map(([, name]) => name);
      expect([title, labels]).toEqual([title, expect.arrayContaining(named)]);
    }
  }
});

test('variables choose the data source, and narrow down jobs, namespaces and task queues', () => {
  const names = dashboard.templating.list.map(({ name }) => name);
  expect(names).toEqual(['datasource', 'job_type', 'namespace', 'task_queue']);
  const text = JSON.stringify(panels);
  const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
  const ours = used.filter((name) => !name.startsWith('__'));
  expect(new Set(ours)).toEqual(new Set(names));
});
