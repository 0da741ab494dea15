import type { SourceRange } from './layout.ts';
import type { HeaderPiece } from './zip-layout.ts';
import type { PlannedPart } from './zip-shard-file.ts';

/** How the parts of an archive are shared out. */
export interface ZipShards {
  /** Each is made on its own, in any order, by any worker. */
  readonly shards: readonly (readonly PlannedPart[])[];
  /** What can be made only when all shards are done: the directory, headers of files across shards. */
  readonly last: readonly PlannedPart[];
}

/** How much a shard has at most, beyond its first part. */
export interface ShardLimits {
  readonly parts: number;
  /** Ranges of files: what reading them has told goes into an attempt's heartbeats. */
  readonly ranges: number;
}

/**
 * Shares out the parts of an archive in stretches of neighbours.
 *
 * @param isKnown whether the CRC-32 of a file is known without reading it
 */
export function shardParts(
  parts: readonly PlannedPart[],
  isKnown: (file: number) => boolean,
  limits: ShardLimits,
): ZipShards {
  const shards: PlannedPart[][] = [];
  const last: PlannedPart[] = [];
  for (const group of groupsOf(parts, limits)) {
    const needs = partsThatNeedOthers(parts, group, isKnown);
    last.push(...group.filter((part) => needs.has(part)));
    const now = group.filter((part) => !needs.has(part));
    if (now.length > 0) shards.push(now);
  }
  return { shards, last };
}

/**
 * The parts of a shard in turns, each of which needs only what the turns before it have read, and what it
 * reads itself: most parts; those with the header of a file that goes on in a part which is copied, where
 * nothing but reading tells its CRC-32 (what is joined holds a small file with its header); the one with
 * the directory.
 */
export function turnsOf(
  parts: readonly PlannedPart[],
  isKnown: (file: number) => boolean,
): readonly (readonly PlannedPart[])[] {
  const waiting = waitingParts(parts, isKnown);
  const turns: PlannedPart[][] = [[], [], []];
  for (const part of parts) {
    turns[hasDirectory(part) ? 2 : waiting.has(part) ? 1 : 0]?.push(part);
  }
  return turns;
}

function waitingParts(
  parts: readonly PlannedPart[],
  isKnown: (file: number) => boolean,
): ReadonlySet<PlannedPart> {
  const copied = new Set(
    parts
      .filter(({ kind }) => kind === 'copy')
      .flatMap(rangesOf)
      .map(({ source }) => source),
  );
  const waits = ({ header }: HeaderPiece) => !isKnown(header) && copied.has(header);
  return new Set(parts.filter((part) => headersOf(part).some(waits)));
}

function hasDirectory(part: PlannedPart): boolean {
  return part.kind === 'join' && part.pieces.some((piece) => 'directory' in piece);
}

/** The ranges of files that a part is made from. */
export function rangesOf(part: PlannedPart): readonly SourceRange[] {
  if (part.kind === 'join') return part.pieces.filter((piece) => 'start' in piece);
  const { source = 0, start, size } = part;
  return [{ source, start, end: start + size }];
}

function* groupsOf(
  parts: readonly PlannedPart[],
  limits: ShardLimits,
): Generator<readonly PlannedPart[]> {
  let group: PlannedPart[] = [];
  let ranges = 0;
  for (const part of parts) {
    const more = rangesOf(part).length;
    const isFull = group.length >= limits.parts || ranges + more > limits.ranges;
    if (group.length > 0 && isFull) {
      yield group;
      group = [];
      ranges = 0;
    }
    group.push(part);
    ranges += more;
  }
  if (group.length > 0) yield group;
}

/** The parts of a group that need to know what other groups read. */
function partsThatNeedOthers(
  parts: readonly PlannedPart[],
  group: readonly PlannedPart[],
  isKnown: (file: number) => boolean,
): ReadonlySet<PlannedPart> {
  const behind = parts[(group.at(-1) as PlannedPart).number];
  const goesOn = behind && new Set(rangesOf(behind).map(({ source }) => source));
  return new Set(
    group.filter(
      (part) =>
        hasDirectory(part) ||
        headersOf(part).some(({ header }) => !isKnown(header) && goesOn?.has(header)),
    ),
  );
}

function headersOf(part: PlannedPart): readonly HeaderPiece[] {
  return part.kind === 'join' ? part.pieces.filter((piece) => 'header' in piece) : [];
}
