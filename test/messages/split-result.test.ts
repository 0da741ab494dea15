import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitFailure } from '../../src/messages/split.ts';

/** What the client's listener takes for a fault of its own, in whatever case. */
const DROPPED = [/Unknown function:/i, /Invalid JSON/i, /Missing function/i, /Class.*not found/i];

/** Pieces out of which the phrases can be put together, whole, cut, nested and repeated. */
const piece = fc.constantFrom(
  ...['Unknown function:', 'Invalid JSON', 'Missing function', 'Class ', 'not found'].flatMap(
    (phrase) => [phrase, phrase.slice(0, 1), phrase.slice(0, -1), phrase.slice(1), phrase.at(-1)],
  ),
  ...['Unknown ', 'Invalid ', 'Missing ', 'function', ':', 'JSON', 'not ', 'found', ' ', '"'],
);

test('an error never holds a phrase that makes the client drop it', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const { error } = splitFailure(1, pieces.join(''));
      for (const phrase of DROPPED) expect(error).not.toMatch(phrase);
    }),
    { numRuns: 20_000 },
  );
});

test('an error holds no character that SQS refuses, however names in it are made', () => {
  const { error } = splitFailure(1, 'Entry "a\uffff\ufffe.jpg"');
  expect(error).toBe('Entry "a\ufffd\ufffd.jpg"');
});

test('any other error is told as it is', () => {
  const text = 'Entry "Klasse – not here": the function of JSON is unknown: 1';
  expect(splitFailure('0042', text)).toEqual({
    function: 'BiospexBatchCreator',
    status: 'failed',
    downloadId: '0042',
    error: text,
  });
});
