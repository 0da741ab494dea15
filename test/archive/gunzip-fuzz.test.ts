import { constants, gunzipSync, type ZlibOptions } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { craftMember, cut, gunzip, noise, resume, text } from '../support/gzip-cases.ts';

const seed = fc.nat(255);

/** Bytes of one kind. */
const stretch = fc.oneof(
  fc.tuple(fc.nat(150_000), seed).map(([length, of]) => noise(length, of)),
  fc.tuple(fc.nat(300_000), seed).map(([length, of]) => text(length, of)),
  fc.tuple(fc.nat(600_000), seed).map(([length, byte]) => Buffer.alloc(length, byte)),
  fc
    .tuple(fc.nat(100_000), fc.uint8Array({ minLength: 1, maxLength: 20 }))
    .map(([length, bytes]) => Buffer.alloc(length, bytes)),
  // A length of a stored block and its complement, again and again.
  fc
    .tuple(fc.nat(200_000), fc.uint8Array({ minLength: 2, maxLength: 2 }))
    .map(([length, of]) => Buffer.alloc(length, Buffer.from([...of, ...of.map((byte) => ~byte)]))),
);

const deflate: fc.Arbitrary<ZlibOptions> = fc.record({
  level: fc.constantFrom(0, 1, 3, 6, 9),
  memLevel: fc.constantFrom(1, 2, 8, 9),
  windowBits: fc.constantFrom(9, 12, 15),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FILTERED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FIXED,
  ),
});

const member = fc
  .tuple(fc.array(stretch, { maxLength: 4 }), deflate, fc.boolean())
  .map(([stretches, options, isNamed]) => {
    const data = Buffer.concat(stretches);
    const names = isNamed ? { name: 'a.tar', headerCrcError: 0 } : {};
    return { data, bytes: craftMember({ data, deflate: options, ...names }) };
  });

/** Lengths of the input's chunks, again and again. */
const lengths = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1000, max: 200_000 })),
  {
    minLength: 1,
    maxLength: 5,
  },
);

const checkpointBytes = fc.constantFrom(1, 20_000, 100_000, 250_000);

test('inflating gives the payload, from the start and from every checkpoint', async () => {
  let resumed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 4 }),
      lengths,
      checkpointBytes,
      async (members, cuts, every) => {
        const payload = Buffer.concat(members.map(({ data }) => data));
        const stream = Buffer.concat(members.map(({ bytes }) => bytes));
        const whole = await gunzip(cut(stream, ...cuts), { checkpointBytes: every });
        expect(whole.error).toBeUndefined();
        expect(whole.output.equals(payload)).toBe(true);
        for (const checkpoint of whole.checkpoints) {
          const rest = await resume(stream, checkpoint, ...cuts);
          expect(rest.error).toBeUndefined();
          expect(rest.output.equals(payload.subarray(checkpoint.outputOffset))).toBe(true);
          resumed += 1;
        }
      },
    ),
    { numRuns: 100 },
  );
  expect(resumed).toBeGreaterThan(50);
});

type Damage = (stream: Buffer) => Buffer;

/** A place in a stream: anywhere, or near its end. */
const place = fc
  .oneof(
    fc.double({ min: 0, max: 1, noNaN: true }).map((share) => (length: number) => share * length),
    fc.nat(30).map((fromEnd) => (length: number) => length - fromEnd),
  )
  .map(
    (positionIn) =>
      ({ length }: Buffer) =>
        Math.min(length - 1, Math.max(0, Math.floor(positionIn(length)))),
  );

const damage: fc.Arbitrary<Damage> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(place, fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => (stream: Buffer) => {
        const changed = Buffer.from(stream);
        changed.writeUInt8(changed.readUInt8(at(stream)) ^ bits, at(stream));
        return changed;
      }),
  },
  place.map((at) => (stream: Buffer) => stream.subarray(0, at(stream))),
  place.map((at) => (stream: Buffer) => Buffer.concat([stream, stream.subarray(at(stream))])),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(
    ([at, bytes]) =>
      (stream: Buffer) =>
        Buffer.concat([stream.subarray(0, at(stream)), bytes, stream.subarray(at(stream))]),
  ),
  fc
    .uint8Array({ minLength: 1, maxLength: 9 })
    .map((bytes) => (stream: Buffer) => Buffer.concat([stream, bytes])),
);

test('a damaged stream gives the payload or an ArchiveError, the same from every checkpoint', async () => {
  let refused = 0;
  let resumed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 3 }),
      damage,
      lengths,
      checkpointBytes,
      async (members, harm, cuts, every) => {
        const stream = harm(Buffer.concat(members.map(({ bytes }) => bytes)));
        const whole = await gunzip(cut(stream, ...cuts), { checkpointBytes: every });
        if (whole.error) {
          expect(whole.error).toBeInstanceOf(ArchiveError);
          refused += 1;
        } else {
          // Not the payload: the damage may have doubled a member, or left one out.
          expect(whole.output.equals(gunzipSync(stream))).toBe(true);
        }
        for (const checkpoint of whole.checkpoints) {
          const rest = await resume(stream, checkpoint, ...cuts);
          expect(verdict(rest.error)).toBe(verdict(whole.error));
          expect(startsAlike(rest.output, whole.output.subarray(checkpoint.outputOffset))).toBe(
            true,
          );
          resumed += 1;
        }
      },
    ),
    { numRuns: 120 },
  );
  expect(refused).toBeGreaterThan(60);
  expect(resumed).toBeGreaterThan(10);
});

/** What is wrong, without where the pieces lie in which it was found. */
function verdict(error: Error | undefined): string | undefined {
  return error?.message.replace(/between offsets \d+ and \d+/, '');
}

/** Whether the one begins with the other. */
function startsAlike(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length);
  return one.subarray(0, length).equals(other.subarray(0, length));
}
