/** What is used of `onnxruntime-node`, or of another build of the runtime with the same interface. */
export interface OnnxRuntime {
  InferenceSession: {
    create(model: Uint8Array, options?: { intraOpNumThreads?: number }): Promise<OnnxSession>;
  };
  Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => object;
}

export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, object>): Promise<Record<string, { data: unknown; dims: readonly number[] }>>;
}

/**
 * Loads the runtime if it is installed: it is no dependency of ours, since its binaries are larger than all the rest.
 *
 * @throws what the import throws when it is not installed or does not fit the machine
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  // Named in a variable, so that neither compiler nor bundler asks for a package that need not be there.
  const name = 'onnxruntime-node';
  const loaded: { default?: unknown } = await import(name);
  const runtime = loaded.default ?? loaded;
  if (!isRuntime(runtime)) throw new TypeError(`${name} has another interface than the one that is known.`);
  return runtime;
}

function isRuntime(value: unknown): value is OnnxRuntime {
  return typeof value === 'object' && value !== null && 'InferenceSession' in value && 'Tensor' in value;
}
