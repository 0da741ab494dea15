import { isLiteral, type ObjectLayout, type Piece, pieceLength } from './layout.ts';

const MIB = 1024 * 1024;

/** S3: every part but the last has at least this size, and an upload at most so many parts. */
const S3_MIN_PART_BYTES = 5 * MIB;
const S3_MAX_PARTS = 10_000;

/**
 * A long run is split evenly into copies of about this size: large enough that requests don't
 * count, small enough that several are under way at once and little is lost with one.
 */
const COPY_TARGET_BYTES = 32 * MIB;

/** Pieces are joined in memory up to about this size before they are uploaded as a part. */
const JOIN_TARGET_BYTES = 8 * MIB;

/** Entries are verified in stretches of about this size, each a single read. */
const SPAN_TARGET_BYTES = 32 * MIB;

/** A part that S3 copies from the source by itself; the range is `size` bytes long. */
export interface CopyPart {
  readonly kind: 'copy';
  readonly number: number;
  readonly size: number;
  readonly start: number;
}

/**
 * A part that is put together in memory. A source range in it that carries an `entry` is all that
 * the object takes of this entry, so that the entry can be verified while it passes.
 */
export interface JoinPart {
  readonly kind: 'join';
  readonly number: number;
  readonly size: number;
  readonly pieces: readonly Piece[];
}

/** A part of the multipart upload; numbers run from 1, as S3 has them. */
export type Part = CopyPart | JoinPart;

/** Entries that lie side by side in the source and are verified by one read; indexes, `last` included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export interface PartPlan {
  readonly parts: readonly Part[];
  /** What has to be read beside the parts, to verify the entries that no joined part holds whole. */
  readonly spans: readonly Span[];
}

/** How parts are cut. Sizes in bytes, for tests; their defaults are S3's limits and measured targets. */
export interface PartOptions {
  /**
   * False where S3 does not copy from the source: neighbours are then joined, too, so that they are
   * verified while they pass, not by a read of their own. True by default.
   */
  readonly rangeCopy?: boolean;
  readonly minPart?: number;
  readonly copyTarget?: number;
  readonly joinTarget?: number;
  readonly maxParts?: number;
}

/**
 * Cuts a layout into the parts of a multipart upload. A run of the source that is long enough
 * becomes copies, evenly split so that none is short; what lies between is joined into parts of at
 * least the minimum size, borrowing from the front of the next run where it has to. Only the last
 * part may be shorter. The minimum grows with the object, so that the number of parts suffices.
 */
export function planParts(layout: ObjectLayout, options: PartOptions = {}): PartPlan {
  const { rangeCopy = true, ...sizes } = options;
  const maxParts = sizes.maxParts ?? S3_MAX_PARTS;
  const minPart = Math.max(
    sizes.minPart ?? S3_MIN_PART_BYTES,
    Math.ceil(layout.size / (maxParts - 1)),
  );
  const joinTarget = Math.max(sizes.joinTarget ?? JOIN_TARGET_BYTES, minPart);
  const copyTarget = Math.max(sizes.copyTarget ?? COPY_TARGET_BYTES, minPart);

  const parts: Part[] = [];
  let open: Piece[] = [];
  let openSize = 0;

  const join = (piece: Piece) => {
    open.push(piece);
    openSize += pieceLength(piece);
  };
  const close = () => {
    parts.push({ kind: 'join', number: parts.length + 1, size: openSize, pieces: open });
    open = [];
    openSize = 0;
  };
  const copy = (start: number, end: number) => {
    const count = Math.min(
      Math.ceil((end - start) / copyTarget),
      Math.floor((end - start) / minPart),
    );
    for (let i = 0; i < count; i++) {
      const from = start + Math.floor(((end - start) * i) / count);
      const to = start + Math.floor(((end - start) * (i + 1)) / count);
      parts.push({ kind: 'copy', number: parts.length + 1, size: to - from, start: from });
    }
  };

  for (const run of rangeCopy ? runsOf(layout.pieces) : eachAlone(layout.pieces)) {
    let next = 0;
    let rest = run[0];
    // An open part below the minimum takes what it lacks from the front of the run.
    while (rest && openSize > 0 && openSize < minPart) {
      const lack = minPart - openSize;
      if (isLiteral(rest) || pieceLength(rest) <= joinTarget) {
        join(rest);
        rest = run[++next];
      } else {
        join({ start: rest.start, end: rest.start + lack });
        rest = { start: rest.start + lack, end: rest.end };
      }
    }
    const end = run.at(-1);
    if (rest && end && !isLiteral(rest) && !isLiteral(end) && end.end - rest.start >= minPart) {
      if (openSize > 0) close();
      copy(rest.start, end.end);
      continue;
    }
    for (; rest; rest = run[++next]) {
      join(rest);
      if (openSize >= joinTarget) close();
    }
  }
  if (openSize > 0) close();
  return { parts, spans: planSpans(layout, parts) };
}

/** Splits pieces into runs: a literal alone, or source ranges each of which begins where the one before ends. */
function* runsOf(pieces: readonly Piece[]): Generator<readonly Piece[]> {
  let run: Piece[] = [];
  let runEnd = -1;
  for (const piece of pieces) {
    if (run.length > 0 && (isLiteral(piece) || piece.start !== runEnd)) {
      yield run;
      run = [];
    }
    run.push(piece);
    runEnd = isLiteral(piece) ? -1 : piece.end;
  }
  if (run.length > 0) yield run;
}

function* eachAlone(pieces: readonly Piece[]): Generator<readonly Piece[]> {
  for (const piece of pieces) yield [piece];
}

/** Groups the entries that no joined part holds whole into stretches that one read covers. */
function planSpans({ entries }: ObjectLayout, parts: readonly Part[]): Span[] {
  const held = new Set<number>();
  for (const part of parts) {
    if (part.kind === 'copy') continue;
    for (const piece of part.pieces) {
      if (!isLiteral(piece) && piece.entry !== undefined) held.add(piece.entry);
    }
  }
  const spans: { first: number; last: number }[] = [];
  let spanEnd = -1;
  let spanBytes = 0;
  entries.forEach((entry, index) => {
    if (held.has(index)) return;
    const span = spans.at(-1);
    if (span && entry.recordStart === spanEnd && spanBytes < SPAN_TARGET_BYTES) {
      span.last = index;
    } else {
      spans.push({ first: index, last: index });
      spanBytes = 0;
    }
    spanEnd = entry.recordEnd;
    spanBytes += entry.recordEnd - entry.recordStart;
  });
  return spans;
}
