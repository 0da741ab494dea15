/** The CRC-32 polynomial without its highest term, bits reversed: RFC 1952 section 8. */
const POLYNOMIAL = 0xedb88320;

/** x^0 in the same reversed order, where the highest bit is the lowest power. */
const ONE = 0x80000000;

/** A length in bits is below 2^56 for what JavaScript counts exactly in bytes. */
const POWERS = 56;

/** x^(2^n) modulo the polynomial, for n from 0: each is the square of the one before. */
const POWERS_OF_X: readonly number[] = squares();

/**
 * The CRC-32 of two stretches of bytes, one after the other, from the CRC-32 of each: the first one's is
 * shifted by the second one's bits, that is, multiplied by x^(8 * length) modulo the polynomial.
 *
 * @param first CRC-32 of the first stretch
 * @param second CRC-32 of the second
 * @param length bytes of the second stretch
 */
export function combineCrc32(first: number, second: number, length: number): number {
  return (multiply(powerOfX(8 * length), first) ^ second) >>> 0;
}

/** x^exponent modulo the polynomial. */
function powerOfX(exponent: number): number {
  let power = ONE;
  for (let n = 0, rest = exponent; rest > 0; n++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, POWERS_OF_X[n] as number);
  }
  return power;
}

/** The product of two polynomials over GF(2), modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product;
}

function squares(): number[] {
  const powers = [ONE >>> 1];
  while (powers.length < POWERS) {
    const last = powers.at(-1) as number;
    powers.push(multiply(last, last));
  }
  return powers;
}
