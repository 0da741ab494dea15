/**
 * A sum of 64-bit hashes of keys, which is the same in whatever order they come: two sums agree only
 * where the same keys went in, each as often. Written as 16 hexadecimal digits.
 */
export class KeySum {
  #high = 0;
  #low = 0;

  /** The sum of what is written so; of nothing by default. */
  constructor(text?: string) {
    if (text === undefined) return;
    this.#high = Number.parseInt(text.slice(0, 8), 16);
    this.#low = Number.parseInt(text.slice(8), 16);
  }

  /** Adds the hash of a key. */
  add(hash: KeyHash): void {
    this.addWords(hash.high, hash.low);
  }

  /** Adds what another sum has. */
  addSum(text: string): void {
    const other = new KeySum(text);
    this.addWords(other.#high, other.#low);
  }

  /** Adds 64 bits, modulo 2^64. */
  addWords(high: number, low: number): void {
    const sum = this.#low + low;
    this.#low = sum >>> 0;
    this.#high = (this.#high + high + (sum > 0xffff_ffff ? 1 : 0)) >>> 0;
  }

  toString(): string {
    return hex(this.#high) + hex(this.#low);
  }
}

/** The sum of sums. */
export function totalKeySum(sums: Iterable<string>): string {
  const total = new KeySum();
  for (const sum of sums) total.addSum(sum);
  return total.toString();
}

/** A hash in two 32-bit words, without a sign. */
export interface KeyHash {
  readonly high: number;
  readonly low: number;
}

/**
 * A 64-bit hash of a key: two lanes over its UTF-16 code units that multiply by different odd numbers,
 * each mixed with the other at the end as MurmurHash3 finishes. For telling keys apart, not against
 * somebody who wants two to be the same.
 */
export function hashKey(key: string): KeyHash {
  let a = 0x9747_b28c;
  let b = 0x1b87_3593;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x85eb_ca6b);
    a ^= a >>> 13;
    b = Math.imul(b ^ unit, 0xc2b2_ae35);
    b ^= b >>> 16;
  }
  a = finish(a ^ key.length ^ (b >>> 15));
  b = finish(b ^ (a >>> 13));
  return { high: a, low: b };
}

/** MurmurHash3's 32-bit finalizer. */
function finish(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
