import type { z } from 'zod';

/** A message or an input that does not have the shape of its contract. The message names every fault. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** How much of an unexpected value a message shows, and how many faults it names. */
const SHOWN_CHARACTERS = 80;
const SHOWN_FAULTS = 10;

/**
 * Checks a value against the contract's schema. Unknown fields are ignored; each missing or wrong
 * one is named in the error by its path, with what was expected and what came, up to ten of them.
 *
 * @param what the contract in words, e.g. `split message`
 * @throws MessageError
 */
export function parseMessage<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const faults = issues
    .slice(0, SHOWN_FAULTS)
    .map((issue) => `${describePath(issue.path)}: ${describeIssue(issue)}`);
  const more = issues.length - faults.length;
  if (more > 0) faults.push(`and ${more} more`);
  throw new MessageError(`Not a ${what}: ${faults.join('; ')}`);
}

/** Reads a body as JSON and checks it; see {@link parseMessage}. */
export function parseBody<T>(schema: z.ZodType<T>, body: string, what: string): T {
  return parseMessage(schema, parseJson(body, what), what);
}

/** Reads a body as JSON; see {@link parseMessage}. */
export function parseJson(body: string, what: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new MessageError(`Not a ${what}: the body is not JSON (${(error as Error).message})`);
  }
}

function describePath(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the body' : path.map(String).join('.');
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const expected = issue.message.startsWith('expected ')
    ? issue.message
    : issue.code === 'invalid_type'
      ? `expected ${issue.expected}`
      : issue.message;
  return `${expected}, got ${show(issue.input)}`;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
