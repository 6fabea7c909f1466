import { z } from 'zod';
import type { Primitives } from '../primitives/primitives.ts';
import { CanonicalError } from './canonical-error.ts';
import { writeCanonical } from './write-canonical.ts';

/**
 * What an AI agent is about to do, in the one form that is hashed.
 *
 * Who asks is not part of it: that is what the operating system says about the connection.
 */
export const actionRequestSchema = z.strictObject({
  v: z.literal(1),
  /** Lower-case words joined by dots, such as `tool.call` or `file.write`. */
  action: z
    .string()
    .max(64)
    .regex(/^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+$/),
  /** What is acted on: a tool, a path, an address, a command, a package. */
  target: z.string().min(1).max(32_768),
  /** What is handed over: any JSON. */
  arguments: z.unknown().optional(),
  /** Circumstances that a verdict depends on, such as the MCP server or the working directory. */
  context: z.record(z.string(), z.unknown()).optional(),
});
export type ActionRequest = z.infer<typeof actionRequestSchema>;

export interface CanonicalAction {
  /** The CAR hash: SHA-256 of the canonical text in UTF-8, 64 lower-case hex digits. */
  readonly car: string;
  readonly text: string;
  readonly normalised: boolean;
}

/**
 * The canonical text of a request and its hash, without asking whether it is an action request: for whoever
 * looks up what was decided about this hash before.
 *
 * @throws CanonicalError when it has no canonical form
 */
export function hashRequest(request: unknown, primitives: Primitives): CanonicalAction {
  const { text, normalised } = writeCanonical(request);
  return { car: primitives.sha256Hex(text), text, normalised };
}

/**
 * The action request that a canonical text stands for. Read from the text and not from what the text was made
 * of, so that the policy is asked about exactly what was hashed.
 *
 * @throws CanonicalError `car/shape`
 */
export function readAction(text: string): ActionRequest {
  const parsed = actionRequestSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CanonicalError('car/shape', issue && `${issue.path.join('.') || 'request'}: ${issue.message}`);
  }
  return parsed.data;
}

/**
 * The canonical action request (CAR) of a value, and its hash.
 *
 * @throws CanonicalError when it is not an action request or has no canonical form
 */
export function canonicalAction(request: unknown, primitives: Primitives): CanonicalAction {
  const canonical = hashRequest(request, primitives);
  readAction(canonical.text);
  return canonical;
}
