import { describe, expect, test } from 'vitest';
import {
  DEFAULT_RULES,
  firstRule,
  type RouteRule,
  routeRulesSchema,
} from '../../src/routing/rules.ts';

describe('the default rules', () => {
  test.each([
    [0, 0, undefined],
    [0, 1, 'NotifyFileTooSmall'],
    [1, 0, 'ProcessFile'],
    [1_999_999, 2_000_000, 'NotifyFileTooSmall'],
    [2_000_000, 2_000_000, undefined],
    [2_000_001, 2_000_000, 'ProcessFile'],
    [Number.MAX_SAFE_INTEGER, 2_000_000, 'ProcessFile'],
  ])('%d bytes, with a threshold of %d: %s', (size, threshold, action) => {
    expect(firstRule(DEFAULT_RULES, size, threshold)?.action).toBe(action);
  });

  test('are rules as a file would have them', () => {
    expect(routeRulesSchema.parse(DEFAULT_RULES)).toEqual(DEFAULT_RULES);
  });
});

test.each([
  ['>', [false, false, true]],
  ['>=', [false, true, true]],
  ['<', [true, false, false]],
  ['<=', [true, true, false]],
  ['=', [false, true, false]],
] as const)('%s compares a size with what is below, equal and above', (comparison, holds) => {
  const rule: RouteRule = { comparison, size: 10, action: 'ProcessFile' };
  expect([9, 10, 11].map((size) => firstRule([rule], size, 0) === rule)).toEqual(holds);
});

test('the first rule that holds decides', () => {
  const rules: RouteRule[] = [
    { comparison: '>', size: 100, action: 'DefaultState' },
    { comparison: '>', size: 'threshold', action: 'ProcessFile', processor: 'a' },
    { comparison: '>', size: 5, action: 'ProcessFile', processor: 'b' },
  ];
  const chosen = [5, 6, 11, 101].map((size) => firstRule(rules, size, 10));
  expect(chosen).toEqual([undefined, rules[2], rules[1], rules[0]]);
});
