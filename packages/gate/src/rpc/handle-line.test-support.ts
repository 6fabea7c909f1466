import { z } from 'zod';
import { ALICE, gateUnderTest } from '../gate/gate.test-support.ts';
import { createLineHandler } from './handle-line.ts';

/** JSON-RPC 2.0 §5, and what this gate adds to errors. */
export const answerSchema = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number(), z.null()]),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z
    .strictObject({
      code: z.int(),
      message: z.string(),
      data: z.strictObject({ code: z.string(), detail: z.string(), fault: z.string().optional() }),
    })
    .optional(),
});

/** A gate, and ways to speak to it. */
export function setUp() {
  const setting = gateUnderTest();
  const internal: unknown[] = [];
  const handle = createLineHandler(setting.gate, { onInternalError: (error) => internal.push(error) });
  const send = (line: string, mint = false, caller = ALICE) => handle(line, { caller, mint });
  const call = (method: string, params: unknown = {}, mint = false, caller = ALICE) =>
    answerSchema.parse(
      JSON.parse(send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), mint, caller) ?? ''),
    );
  const codeOf = (line: string) => answerSchema.parse(JSON.parse(send(line) ?? '')).error?.code;
  return { ...setting, internal, send, call, codeOf };
}
