/** What S3 bills of operations: those of a PUT's price, those of a GET's, and those that are free. */
const PUT_PRICED = [
  ...['PutObject', 'CreateMultipartUpload', 'UploadPart', 'UploadPartCopy'],
  ...['CompleteMultipartUpload', 'ListObjectsV2', 'ListParts', 'ListMultipartUploads'],
];
const GET_PRICED = ['GetObject', 'HeadObject'];
const FREE = ['DeleteObject', 'DeleteObjects', 'AbortMultipartUpload'];

/** What a job has asked of S3. Bytes as the worker's metrics count them. */
export interface S3Account {
  readonly puts: number;
  readonly gets: number;
  readonly copied: number;
  readonly read: number;
  readonly written: number;
}

/** Reads what a worker has counted so far. @param address where it serves its metrics */
export async function readS3Account(address: string): Promise<S3Account> {
  const response = await fetch(`http://${address}/metrics`);
  const lines = (await response.text()).split('\n');
  const sum = (start: string) =>
    lines
      .filter((line) => line.startsWith(start))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  const operations = lines.flatMap((line) => {
    const [, operation, count] =
      /^sheaf_s3_requests_total\{.*operation="(\w+)".*\} (\S+)$/.exec(line) ?? [];
    return operation ? [{ operation, count: Number(count) }] : [];
  });
  const unknown = operations.find(
    ({ operation }) => ![...PUT_PRICED, ...GET_PRICED, ...FREE].includes(operation),
  );
  if (unknown) throw new Error(`The price of ${unknown.operation} is not known here; add it`);
  const countOf = (names: readonly string[]) =>
    operations
      .filter(({ operation }) => names.includes(operation))
      .reduce((total, { count }) => total + count, 0);
  return {
    puts: countOf(PUT_PRICED),
    gets: countOf(GET_PRICED),
    copied: sum('sheaf_s3_copied_bytes_total'),
    read: sum('sheaf_s3_read_bytes_total'),
    written: sum('sheaf_s3_written_bytes_total'),
  };
}

/** What has come on top between two accounts. */
export function difference(after: S3Account, before: S3Account): S3Account {
  return {
    puts: after.puts - before.puts,
    gets: after.gets - before.gets,
    copied: after.copied - before.copied,
    read: after.read - before.read,
    written: after.written - before.written,
  };
}
