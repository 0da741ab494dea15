/** A file of a sample archive; its bytes are made when they are asked for. */
export interface SampleFile {
  readonly name: string;
  content(): Buffer;
}

/** Large enough that a chunk costs nothing, small enough to hold many. In bytes. */
export const CHUNK_BYTES = 1024 * 1024;

/** Joins pieces of any length into chunks of about `CHUNK_BYTES`. */
export async function* inChunks(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for (const piece of pieces) {
    pending.push(piece);
    pendingBytes += piece.length;
    if (pendingBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}
