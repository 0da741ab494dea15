/** The same chunks, their bytes added to `bytesRead` as they come. */
export async function* counted(
  chunks: AsyncIterable<Buffer>,
  progress: { bytesRead: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    progress.bytesRead += chunk.length;
    yield chunk;
  }
}
