import { z } from 'zod';

/** What a rule that holds leads to; state names, as people read them in a run. */
export const ROUTE_ACTIONS = ['ProcessFile', 'NotifyFileTooSmall', 'DefaultState'] as const;
export type RouteAction = (typeof ROUTE_ACTIONS)[number];

/** How a file's size is compared. */
const COMPARISONS = {
  '>': (size, than) => size > than,
  '>=': (size, than) => size >= than,
  '<': (size, than) => size < than,
  '<=': (size, than) => size <= than,
  '=': (size, than) => size === than,
} satisfies Record<string, (size: number, than: number) => boolean>;

/** The name of the processor that splits an archive in a child run. */
export const SPLIT_PROCESSOR = 'split';

const EXPECTED_SIZE = 'expected a number of bytes from 0 up, or "threshold"';

const ruleSchema = z
  .strictObject({
    comparison: z.enum(Object.keys(COMPARISONS) as (keyof typeof COMPARISONS)[], {
      error: `expected one of ${Object.keys(COMPARISONS).join(', ')}`,
    }),
    /** What the file's size is compared with: bytes, or the threshold that the file came with. */
    size: z
      .union([z.literal('threshold'), z.int()], { error: EXPECTED_SIZE })
      .refine((size) => size === 'threshold' || size >= 0, { error: EXPECTED_SIZE }),
    action: z.enum(ROUTE_ACTIONS, { error: `expected one of ${ROUTE_ACTIONS.join(', ')}` }),
    /** With ProcessFile: the name of what processes the file; `split` by default. */
    processor: z.string().min(1, { error: 'expected the name of a processor' }).optional(),
  })
  .refine(({ action, processor }) => processor === undefined || action === 'ProcessFile', {
    path: ['processor'],
    error: 'expected none but with the action ProcessFile',
  });

/** The rules of a route: the first one that holds decides; where none does, DefaultState. */
export const routeRulesSchema = z
  .array(ruleSchema, { error: 'expected a list of rules' })
  .min(1, { error: 'expected one rule or more' })
  .max(100, { error: 'expected at most 100 rules' });

export type RouteRule = z.output<typeof ruleSchema>;

/** The rules of the reference: larger than the threshold is processed, smaller is too small. */
export const DEFAULT_RULES: readonly RouteRule[] = [
  { comparison: '>', size: 'threshold', action: 'ProcessFile' },
  { comparison: '<', size: 'threshold', action: 'NotifyFileTooSmall' },
];

/**
 * The first rule that holds for a file; undefined where none does.
 *
 * @param size the file's, in bytes
 * @param threshold what it came with, in bytes
 */
export function firstRule(
  rules: readonly RouteRule[],
  size: number,
  threshold: number,
): RouteRule | undefined {
  return rules.find((rule) =>
    COMPARISONS[rule.comparison](size, rule.size === 'threshold' ? threshold : rule.size),
  );
}
