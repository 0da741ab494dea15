import { constants, gunzipSync, gzipSync } from 'node:zlib';

/** Version of the stored forms; a worker that meets another one must not guess. */
const FORMAT = 1;

/** Writes down what is JSON, gzipped. */
export function encode(json: object): Buffer {
  return gzipSync(JSON.stringify({ ...json, format: FORMAT }), { level: constants.Z_BEST_SPEED });
}

/** Reads what {@link encode} wrote. Throws on any other format. */
export function decode<T>(bytes: Buffer): T {
  const json: T & { format: number } = JSON.parse(gunzipSync(bytes).toString('utf8'));
  if (json.format !== FORMAT) {
    throw new Error(`Expected a plan of format ${FORMAT}, got ${json.format}`);
  }
  return json;
}
