import { expect, test } from 'vitest';
import { routeWorkflowId } from '../../src/runs/route-id.ts';

test('an id has the bucket, the key and what tells it from others', () => {
  const id = routeWorkflowId('my-bucket', 'dir/a b+é.zip', '0055AED6DCD90281E5');
  expect(id).toBe('route-my-bucket/dir/a b+é.zip-0055AED6DCD90281E5');
});

test('an ETag is taken without its quotes', () => {
  expect(routeWorkflowId('bucket', 'a', '"d41d8cd9"')).toBe('route-bucket/a-d41d8cd9');
});

test('a key of 160 bytes is shown, a longer one is cut at a character, and told from others', () => {
  const shown = routeWorkflowId('bucket', 'k'.repeat(160), 'E');
  const [one, other] = ['1', '2'].map((end) =>
    routeWorkflowId('bucket', `${'é'.repeat(500)}${end}`, 'E'),
  ) as [string, string];

  expect(shown).toBe(`route-bucket/${'k'.repeat(160)}-E`);
  expect(one).toMatch(/^route-bucket\/é{80}~[0-9a-f]{16}-E$/);
  expect(one).not.toBe(other);
  const odd = routeWorkflowId('bucket', `k${'é'.repeat(500)}`, 'E');
  expect(odd).toMatch(/^route-bucket\/ké{79}~[0-9a-f]{16}-E$/);
});

test('an event whose id is too long is told from others, too', () => {
  const [one, other] = ['1', '2'].map((end) =>
    routeWorkflowId('bucket', 'a', `${'0'.repeat(1000)}${end}`),
  );
  expect(one).toMatch(/^route-bucket\/a-0{64}~[0-9a-f]{16}$/);
  expect(one).not.toBe(other);
});
