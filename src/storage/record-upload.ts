import type { S3Client } from '@aws-sdk/client-s3';
import type { RecordPart } from '../archive/record-parts.ts';
import {
  completeUpload,
  listParts,
  type MultipartUpload,
  type UploadedPart,
  uploadPart,
} from './multipart.ts';

/** Keeps the records of an unpacked archive as the parts of a multipart upload. */
export class RecordUpload {
  readonly #s3: S3Client;
  readonly #upload: MultipartUpload;
  readonly #parts: Map<number, UploadedPart>;

  private constructor(s3: S3Client, upload: MultipartUpload, parts: Map<number, UploadedPart>) {
    this.#s3 = s3;
    this.#upload = upload;
    this.#parts = parts;
  }

  /** Goes on with an upload: asks S3 which parts it has. Throws `UploadGoneError`. */
  static async resume(s3: S3Client, upload: MultipartUpload, signal: AbortSignal) {
    return new RecordUpload(s3, upload, await listParts(s3, upload, signal));
  }

  /** Uploads a part, unless an earlier attempt has done so. Gives the bytes that were written. */
  async keep({ number, bytes }: RecordPart, signal: AbortSignal): Promise<number> {
    // Only the last part may be empty, where the one before it was full.
    if (bytes.length === 0 || this.#parts.get(number)?.size === bytes.length) return 0;
    this.#parts.set(number, await uploadPart(this.#s3, this.#upload, number, bytes, signal));
    return bytes.length;
  }

  /** Makes the parts into the object, once all have been kept. Throws `UploadGoneError`. */
  async complete(signal: AbortSignal): Promise<void> {
    const inOrder = [...this.#parts.values()].sort((a, b) => a.number - b.number);
    await completeUpload(this.#s3, this.#upload, inOrder, signal);
  }
}
