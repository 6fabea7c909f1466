/** A body as it is sent on, and how much of it has been. */
export function countBytes(body: Buffer | AsyncIterable<Buffer> | undefined): {
  body: Buffer | AsyncIterable<Buffer> | undefined;
  bytes: () => number;
} {
  if (body === undefined) return { body, bytes: () => 0 };
  if (Buffer.isBuffer(body)) return { body, bytes: () => body.length };
  let size = 0;
  async function* passing(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      size += chunk.length;
      yield chunk;
    }
  }
  return { body: passing(body), bytes: () => size };
}
