import { createRequire } from 'node:module';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { type Metric, OWN_METRICS, SDK_METRICS } from './metrics.ts';

// What checks expressions in the editor of Prometheus's own UI is one file of it, which wants the state
// that its CommonJS build loads.
const require = createRequire(import.meta.url);
const { EditorState } = require('@codemirror/state');
const { Parser } = require('@prometheus-io/codemirror-promql/dist/cjs/parser/parser.js');

const METRICS = new Map([...OWN_METRICS, ...SDK_METRICS].map((metric) => [metric.name, metric]));

/** Labels that Prometheus adds to what it scrapes where it has none of that name, and the bounds of buckets. */
const ADDED_LABELS = ['job', 'instance', 'le'];

/** The labels that some metric has: grouping by another one gives nothing. */
const GROUPING_LABELS = new Set([
  ...ADDED_LABELS,
  ...[...METRICS.values()].flatMap(({ labels }) => Object.keys(labels)),
]);

/**
 * What is wrong with an expression, empty where nothing is: its grammar and its types, as Prometheus has
 * them, and whether there are the metrics, labels and values that it asks for.
 */
export function faultsOf(expression: string): string[] {
  const tree = parser.parse(expression);
  const types = new Parser(EditorState.create({ doc: expression }));
  // An editor's own tree is as far as it came in some milliseconds.
  types.tree = tree;
  types.analyze();
  const faults: string[] = types.getDiagnostics().map(({ message }: Error) => message);
  tree.iterate({
    enter: ({ type, name, node }) => {
      if (type.isError) faults.push(`unexpected "${expression.slice(node.from, node.from + 20)}"`);
      if (name === 'VectorSelector') faults.push(...faultsOfSelector(node, expression));
      if (name === 'GroupingLabels') faults.push(...faultsOfGrouping(node, expression));
    },
  });
  return faults;
}

function faultsOfSelector(node: SyntaxNode, expression: string): string[] {
  const name = textOf(node.getChild('Identifier'), expression);
  const metric = METRICS.get(name);
  if (!metric) return [`there is no metric "${name}"`];
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  return matchers.flatMap((matcher) => faultsOfMatcher(matcher, metric, expression));
}

function faultsOfMatcher(node: SyntaxNode, metric: Metric, expression: string): string[] {
  const label = textOf(node.getChild('LabelName'), expression);
  if (![...ADDED_LABELS, ...Object.keys(metric.labels)].includes(label))
    return [`${metric.name} has no label "${label}"`];
  const known = metric.labels[label];
  const asked = textOf(node.getChild('StringLiteral'), expression).slice(1, -1).split('|');
  return asked
    .filter((value) => known && !value.startsWith('$') && !known.includes(value))
    .map((value) => `${metric.name} has no ${label} "${value}"`);
}

function faultsOfGrouping(node: SyntaxNode, expression: string): string[] {
  return node
    .getChildren('LabelName')
    .map((label) => textOf(label, expression))
    .filter((label) => !GROUPING_LABELS.has(label))
    .map((label) => `no metric has a label "${label}"`);
}

function textOf(node: SyntaxNode | null, expression: string): string {
  return node ? expression.slice(node.from, node.to) : '';
}
