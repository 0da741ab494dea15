import { describe, expect, test } from 'vitest';
import { routeSplitId, routeWorkflowId } from '../../src/runs/route-id.ts';

/** What PostgreSQL's columns take, and what the longest child run of a route adds. */
const MAX_BYTES = 255;
const CHILD = '/ProcessFile/part2000';

test('an id has the bucket, the key and what tells it from others', () => {
  const id = routeWorkflowId('my-bucket', 'dir/a b+é.zip', '0055AED6DCD90281E5');
  expect(id).toBe('route-my-bucket/dir/a b+é.zip-0055AED6DCD90281E5');
  expect(routeSplitId('my-bucket', 'dir/a b+é.zip')).toBe(
    'route-my-bucket/dir/a b+é.zip/ProcessFile',
  );
});

test('an ETag is taken without its quotes', () => {
  expect(routeWorkflowId('bucket', 'a', '"d41d8cd9"')).toBe('route-bucket/a-d41d8cd9');
});

test('a key of 100 bytes is shown whole', () => {
  const key = 'k'.repeat(100);
  expect(routeWorkflowId('bucket', key, 'E')).toBe(`route-bucket/${key}-E`);
});

describe('what is too long is cut at a character, and told from others', () => {
  test.each([
    ['a key', 'b'.repeat(63), 'é'.repeat(512), 'e'.repeat(36)],
    ['a key that is cut in a character', 'bucket', `k${'é'.repeat(511)}`, 'e'],
    ['what it is for', 'bucket', 'a', '0'.repeat(1000)],
    ['all', 'b'.repeat(63), 'k'.repeat(1024), '0'.repeat(1000)],
  ])('%s', (_, bucket, key, cause) => {
    const id = routeWorkflowId(bucket, key, cause);
    const splitId = routeSplitId(bucket, key);

    expect(id).toMatch(
      new RegExp(`^route-${bucket}/[ké0-9a]*(~[0-9a-f]{16})?-[e0]+(~[0-9a-f]{16})?$`),
    );
    expect(Buffer.byteLength(`${id}`)).toBeLessThanOrEqual(MAX_BYTES - CHILD.length);
    expect(Buffer.byteLength(`${splitId}/part2000`)).toBeLessThanOrEqual(MAX_BYTES);
    expect(id).toMatch(/~/);
    expect(routeWorkflowId(bucket, `${key}x`, cause)).not.toBe(id);
    expect(routeWorkflowId(bucket, key, `${cause}x`)).not.toBe(id);
    expect(routeSplitId(bucket, `${key}x`)).not.toBe(splitId);
  });
});
