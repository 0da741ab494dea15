/** Where inflating can be taken up again without what comes before. Plain JSON. */
export interface GunzipCheckpoint {
  /** Offset in the compressed stream of the byte to read on from. */
  readonly inputOffset: number;
  /** Bits of that byte, from the least significant, that belong to what has been inflated already: 0 to 7. */
  readonly bitOffset: number;
  /** Offset in the output of the first byte that inflating from here gives. */
  readonly outputOffset: number;
  /** Up to 32 KiB of output before it, base64; empty where a member begins. */
  readonly dictionary: string;
  /** CRC-32 and size so far, in bytes, of the member that is open; undefined where a member begins here. */
  readonly member: { readonly crc32: number; readonly size: number } | undefined;
}

/**
 * How many checkpoints are kept, each of 44 KB. At 32 MiB from one to the next they reach back 512 MiB
 * or more, which is further than what is uploaded lags behind what is inflated.
 */
const MAX_KEPT = 32;

/** The checkpoints that may still be asked for, oldest first. */
export class CheckpointList {
  #checkpoints: readonly GunzipCheckpoint[] = [];

  /** Adds the newest one. Too many are thinned out: every other one goes, the oldest stays. */
  add(checkpoint: GunzipCheckpoint): void {
    const all = [...this.#checkpoints, checkpoint];
    this.#checkpoints = all.length <= MAX_KEPT ? all : all.filter((_, index) => index % 2 === 0);
  }

  /** The newest one whose `outputOffset` is at or before `outputOffset`. Those before it are forgotten. */
  before(outputOffset: number): GunzipCheckpoint | undefined {
    const index = this.#checkpoints.findLastIndex((one) => one.outputOffset <= outputOffset);
    if (index > 0) this.#checkpoints = this.#checkpoints.slice(index);
    return index >= 0 ? this.#checkpoints[0] : undefined;
  }
}
