import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { JOBS } from '../../src/cli/job-view.ts';
import { faultsOf } from './promql.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook', string>>;
}

interface UnitTest {
  readonly input_series?: readonly { readonly series: string }[];
  readonly alert_rule_test?: readonly Expectation[];
}

interface Expectation {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

const rules: Rule[] = read('deploy/monitoring/alerts.yml').groups[0].rules;
const unitTests: UnitTest[] = read('deploy/monitoring/alerts.test.yml').tests;

test('there are five alerts, each with a severity, a time to wait, and a section on what to do', () => {
  const page = text('docs/monitoring.md');
  const commands = text('docs/operations.md');
  expect(rules).toHaveLength(5);
  for (const { alert, labels, annotations, for: time } of rules) {
    expect(['warning', 'critical']).toContain(labels.severity);
    expect(time).toMatch(/^\d+m$/);
    expect(annotations.runbook).toBe(`docs/monitoring.md#${alert.toLowerCase()}`);
    expect(page).toContain(`### ${alert}\n`);
    const named = [...annotations.description.matchAll(/npx sheaf \w+/g)].map(
      ([command]) => command,
    );
    expect(named.length).toBeGreaterThan(0);
    for (const command of named) expect(commands).toContain(`\`${command}`);
  }
});

test('alerts ask for metrics that there are, in PromQL that is right', () => {
  for (const { alert, expr } of rules) expect([alert, ...faultsOf(expr)]).toEqual([alert]);
});

test('what is asked for runs is asked for the runs of each job', () => {
  const types = JOBS.map(({ workflowType }) => workflowType).join('|');
  const { expr = '' } = rules.find(({ alert }) => alert === 'SheafRunsFailed') ?? {};
  const asked = [...expr.matchAll(/workflow_type=~"(.*?)"/g)].map(([, value]) => value);
  expect(new Set(asked)).toEqual(new Set([types]));
});

test('each alert has unit tests in which it fires, and in which it does not', () => {
  for (const { alert } of rules) {
    const expected = unitTests
      .flatMap(({ alert_rule_test: tests = [] }) => tests)
      .filter(({ alertname }) => alertname === alert);
    expect(expected.some(({ exp_alerts }) => exp_alerts.length > 0)).toBe(true);
    expect(expected.some(({ exp_alerts }) => exp_alerts.length === 0)).toBe(true);
  }
});

test('the series of these unit tests are those of workers and starters', () => {
  for (const { input_series: inputs = [] } of unitTests) {
    for (const { series } of inputs) expect([series, ...faultsOf(series)]).toEqual([series]);
  }
});

test('a scrape keeps the label "namespace" of Temporal\'s metrics, which the dashboard asks for', () => {
  const { rule_files: files, scrape_configs: scrapes } = read('deploy/monitoring/prometheus.yml');
  expect(files).toEqual(['alerts.yml']);
  expect(scrapes).toMatchObject([{ job_name: 'sheaf', honor_labels: true }]);
});

function read(path: string) {
  return parse(text(path), { merge: true });
}

function text(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}
