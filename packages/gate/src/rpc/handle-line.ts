import { CanonicalError } from '../canonical/canonical-error.ts';
import { parseJsonWithFault } from '../canonical/parse-strict-json.ts';
import type { Gate } from '../gate/gate.ts';
import { PermitOrderError } from '../permit/permit-authority.ts';
import type { CallContext } from './call-context.ts';
import { METHODS } from './methods.ts';
import { RPC_ERRORS, RpcError } from './rpc-error.ts';

/** Characters of a line; a transport limits its bytes to the same number. */
export const MAX_LINE = 1_048_576;
export const MAX_BATCH = 100;
const LONGEST_ID = 256;

export type LineHandler = (line: string, context: CallContext) => string | undefined;

export interface HandlerOptions {
  /** Told about errors that are the gate's own; the caller only learns that there was one. */
  readonly onInternalError?: ((error: unknown) => void) | undefined;
}

type Id = string | number | null;

interface Call {
  /** Absent: a notification. */
  readonly id: Id | undefined;
  readonly method: string;
  readonly params: unknown;
}

function isId(value: unknown): value is Id {
  if (typeof value === 'string') return value.length <= LONGEST_ID;
  return value === null || Number.isSafeInteger(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The id to answer an invalid request under; `null` when it has none that can be told (JSON-RPC 2.0 §5). */
function idOf(value: unknown): Id {
  return isRecord(value) && Object.hasOwn(value, 'id') && isId(value.id) ? value.id : null;
}

function readCall(value: unknown): Call {
  if (!isRecord(value)) throw new RpcError('gate/invalid-request', 'A call is an object.');
  if (value.jsonrpc !== '2.0') throw new RpcError('gate/invalid-request', 'jsonrpc: is not "2.0"');
  if (typeof value.method !== 'string') throw new RpcError('gate/invalid-request', 'method: is not a text');
  const id = Object.hasOwn(value, 'id') ? value.id : undefined;
  if (id !== undefined && !isId(id)) {
    throw new RpcError(
      'gate/invalid-request',
      `id: is a text of at most ${LONGEST_ID}, a whole number or null`,
    );
  }
  return { id, method: value.method, params: Object.hasOwn(value, 'params') ? value.params : {} };
}

function rpcErrorOf(error: unknown, onInternalError: (error: unknown) => void): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof CanonicalError) return new RpcError('gate/not-canonical', error.message, error.code);
  if (error instanceof PermitOrderError) return new RpcError('gate/refused', error.message);
  onInternalError(error);
  return new RpcError('gate/internal');
}

function writeResult(id: Id, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
}

/** The same caller, for whom nothing may wait. */
function alone({ caller, mint }: CallContext): CallContext {
  return { caller, mint };
}

function writeError(id: Id, error: RpcError): string {
  const { code, message } = RPC_ERRORS[error.rpc];
  const data = { code: error.rpc, detail: error.message, fault: error.fault };
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${JSON.stringify({ code, message, data })}}`;
}

/**
 * Answers lines of JSON-RPC 2.0.
 *
 * @returns a function of the line, who sent it and the state of the gate: one line without its end, or `undefined`
 *   when there is nothing to say (notifications), or not yet (`context.later` gets it). It never throws.
 */
export function createLineHandler(gate: Gate, options: HandlerOptions = {}): LineHandler {
  const onInternalError = options.onInternalError ?? (() => undefined);

  const answer = (value: unknown, context: CallContext): string | undefined => {
    let call: Call | undefined;
    try {
      call = readCall(value);
      const method = METHODS.get(call.method);
      if (method === undefined) throw new RpcError('gate/unknown-method');
      if (method.mint && !context.mint) throw new RpcError('gate/forbidden');
      if (!isRecord(call.params)) throw new RpcError('gate/invalid-params', 'params: are given by name');
      const { id } = call;
      // Nobody reads what a notification is answered, so it waits for nothing.
      const result = method.call(gate, call.params, id === undefined ? alone(context) : context);
      if (id === undefined) return undefined;
      if (!(result instanceof Promise)) return writeResult(id, result);
      context.later?.(
        result.then(
          (value: unknown) => writeResult(id, value),
          (error: unknown) => writeError(id, rpcErrorOf(error, onInternalError)),
        ),
      );
      return undefined;
    } catch (error) {
      const rpcError = rpcErrorOf(error, onInternalError);
      // A notification is never answered; what is not a call at all is.
      if (call !== undefined && call.id === undefined) return undefined;
      return writeError(call?.id ?? idOf(value), rpcError);
    }
  };

  return (line, context) => {
    if (line.length > MAX_LINE) return writeError(null, new RpcError('gate/too-large'));
    try {
      const { value, fault } = parseJsonWithFault(line);
      if (fault !== undefined) return writeError(idOf(value), rpcErrorOf(fault, onInternalError));
      if (!Array.isArray(value)) return answer(value, context);
      if (value.length === 0)
        return writeError(null, new RpcError('gate/invalid-request', 'The batch is empty.'));
      if (value.length > MAX_BATCH) return writeError(null, new RpcError('gate/too-large'));
      // A batch is answered as a whole, so nothing in it waits.
      const together = alone(context);
      const answers = value.map((item) => answer(item, together)).filter((text) => text !== undefined);
      return answers.length === 0 ? undefined : `[${answers.join(',')}]`;
    } catch (error) {
      const syntax = error instanceof CanonicalError && error.code === 'json/syntax';
      return writeError(null, syntax ? new RpcError('gate/parse') : rpcErrorOf(error, onInternalError));
    }
  };
}
