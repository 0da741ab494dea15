import type { ByteSource } from './byte-source.ts';
import { ArchiveError } from './errors.ts';
import { BLOCK_BYTES, isZero } from './tar-header.ts';

/**
 * Reads on from `offset`, behind the first block of zeros that marks a TAR's end, to the end of the
 * input. POSIX wants a second such block; without one GNU tar only warns, and nothing is lost by that,
 * for no entry begins with zeros. Behind them most programs pad with zeros to a whole record.
 *
 * Throws `ArchiveError` where the second block is cut off, or a byte is not zero: an archive that was
 * appended to another, or what was in the file before, and no program would read it.
 */
export async function assertTarEnd(source: ByteSource, offset: number): Promise<void> {
  const second = await source.takeUpTo(BLOCK_BYTES);
  assertZeros(second, offset, offset);
  let position = offset + second.length;
  for (;;) {
    const piece = await source.pieceUnlessEnded(Number.POSITIVE_INFINITY);
    if (piece === undefined) break;
    assertZeros(piece, position, offset);
    position += piece.length;
  }
  if (position > offset && position < offset + BLOCK_BYTES) {
    throw new ArchiveError(
      `The TAR is truncated: it ends at offset ${position}, in the zeros that mark its end`,
    );
  }
}

function assertZeros(bytes: Buffer, position: number, offset: number): void {
  if (isZero(bytes)) return;
  const garbage = position + bytes.findIndex((byte) => byte !== 0);
  throw new ArchiveError(
    `The TAR has trailing garbage at offset ${garbage}: its end is marked at ${offset - BLOCK_BYTES}, only zeros may follow`,
  );
}
