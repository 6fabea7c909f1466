/**
 * The body of an answer from outside.
 *
 * @throws Error when it has more bytes
 */
export async function boundedBytes(answer: Response, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body ?? []) {
    length += part.length;
    // Leaving the loop cancels the body.
    if (length > most) throw new Error(`the answer has more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export async function boundedText(answer: Response, most: number): Promise<string> {
  return (await boundedBytes(answer, most)).toString('utf8');
}
