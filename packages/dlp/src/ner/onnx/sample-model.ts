/** Writes a model in ONNX (protocol buffers, onnx.proto3) whose logits are one row of a table per piece. */
export function sampleModel(rows: readonly (readonly number[])[], inputs: readonly string[]): Uint8Array {
  const labels = rows[0]?.length ?? 0;
  const table = new Float32Array(rows.flat());
  const tensor = message(
    [1, varint(rows.length)],
    [1, varint(labels)],
    [2, varint(FLOAT)],
    [8, utf8('table')],
    [9, new Uint8Array(table.buffer)],
  );
  const node = message([1, utf8('table')], [1, utf8('input_ids')], [2, utf8('logits')], [4, utf8('Gather')]);
  const graph = message(
    [1, node],
    [2, utf8('names')],
    [5, tensor],
    ...inputs.map((name): Field => [11, value(name, INT64, ['batch', 'pieces'])]),
    [12, value('logits', FLOAT, ['batch', 'pieces', labels])],
  );
  return message([1, varint(8)], [7, graph], [8, message([1, utf8('')], [2, varint(13)])]);
}

type Field = [number: number, content: Uint8Array | { varint: number }];
const FLOAT = 1;
const INT64 = 7;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const varint = (value: number): { varint: number } => ({ varint: value });

function value(name: string, type: number, dims: readonly (string | number)[]): Uint8Array {
  const shape = message(
    ...dims.map((dim): Field => [1, message(typeof dim === 'number' ? [1, varint(dim)] : [2, utf8(dim)])]),
  );
  const tensorType = message([1, varint(type)], [2, shape]);
  return message([1, utf8(name)], [2, message([1, tensorType])]);
}

function message(...fields: Field[]): Uint8Array {
  const bytes: number[] = [];
  const write = (value: number): void => {
    for (let rest = value; ; rest >>>= 7) {
      bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) return;
    }
  };
  for (const [number, content] of fields) {
    if (content instanceof Uint8Array) {
      write((number << 3) | 2);
      write(content.length);
      for (const byte of content) bytes.push(byte);
    } else {
      write(number << 3);
      write(content.varint);
    }
  }
  return Uint8Array.from(bytes);
}
