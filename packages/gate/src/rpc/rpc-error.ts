/**
 * Everything a call can fail with. Codes from −32768 to −32600 are those of JSON-RPC 2.0 §5.1; the rest are
 * from the range that it leaves to servers.
 */
export const RPC_ERRORS = {
  'gate/parse': { code: -32700, message: 'Parse error' },
  'gate/invalid-request': { code: -32600, message: 'Invalid Request' },
  'gate/unknown-method': { code: -32601, message: 'Method not found' },
  'gate/invalid-params': { code: -32602, message: 'Invalid params' },
  'gate/internal': { code: -32603, message: 'Internal error' },
  'gate/too-large': { code: -32001, message: 'The line or batch is too large' },
  'gate/not-canonical': { code: -32002, message: 'The request has no canonical form' },
  'gate/forbidden': { code: -32003, message: 'Not on this socket' },
  'gate/refused': { code: -32004, message: 'Outside of the limits' },
} as const;
export type RpcErrorName = keyof typeof RPC_ERRORS;

/** A call that failed. Its message is shown to the caller: nothing secret goes in. */
export class RpcError extends Error {
  readonly rpc: RpcErrorName;
  /** A code of the part that refused, such as `json/large-integer`. */
  readonly fault: string | undefined;

  constructor(name: RpcErrorName, detail?: string, fault?: string) {
    super(detail ?? RPC_ERRORS[name].message);
    this.name = 'RpcError';
    this.rpc = name;
    this.fault = fault;
  }
}
