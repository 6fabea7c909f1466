import { beforeAll, describe, expect, test, vi } from 'vitest';
import loadWabt from 'wabt';
import type { ActionRequest } from '../request.ts';
import type { PolicyEngine } from './engine.ts';
import { createRegoEngine } from './rego-engine.ts';

/**
 * OPA's compiler is no part of this repository. These modules are written by hand against the interface that its
 * modules have (version 1.2): they show how the adapter handles that interface, and nothing about Rego.
 */
interface Module {
  /** What `opa_eval` does; its input is at $input, $length bytes of JSON. It leaves the address of its answer. */
  readonly evaluate?: string;
  readonly entrypoints?: string;
  readonly version?: number | undefined;
  readonly data?: string;
}

const ALLOW = 4096;
const DENY = 8192;

const json = (at: number, value: unknown) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `(data (i32.const ${at}) "${text.replaceAll('"', '\\22')}\\00")`;
};
const set = (result: unknown) => [{ result }];

let wabt: Awaited<ReturnType<typeof loadWabt>>;
beforeAll(async () => {
  wabt = await loadWabt();
});

function assemble(module: Module): Uint8Array<ArrayBuffer> {
  const {
    evaluate = `(i32.const ${DENY})`,
    entrypoints = '{"raypher/decision":0}',
    version = 1,
    data = '',
  } = module;
  const source = `(module
    (import "env" "memory" (memory 2))
    (import "env" "opa_abort" (func $abort (param i32)))
    (global (export "opa_wasm_abi_version") i32 (i32.const ${version}))
    (global (export "opa_wasm_abi_minor_version") i32 (i32.const 2))
    (global $heap (mut i32) (i32.const 65536))
    ${json(1024, '{}')} ${json(2048, entrypoints)} ${json(3072, 'it gave up')}
    ${json(ALLOW, set({ outcome: 'ALLOW', rule: 'ours', reason: 'It is ours.' }))}
    ${json(DENY, set({ outcome: 'DENY' }))} ${data}
    (func (export "builtins") (result i32) (i32.const 1024))
    (func (export "entrypoints") (result i32) (i32.const 2048))
    (func (export "opa_json_parse") (param $at i32) (param i32) (result i32) (local.get $at))
    (func (export "opa_json_dump") (param $at i32) (result i32) (local.get $at))
    (func (export "opa_heap_ptr_get") (result i32) (global.get $heap))
    (func (export "opa_heap_ptr_set") (param $to i32) (global.set $heap (local.get $to)))
    (func (export "opa_malloc") (param $size i32) (result i32) (local $at i32)
      (local.set $at (global.get $heap))
      (global.set $heap (i32.add (global.get $heap) (local.get $size)))
      (local.get $at))
    ;; Whether the input holds the eight bytes "ours.exa".
    (func $asksForOurs (param $at i32) (param $length i32) (result i32) (local $end i32)
      (local.set $end (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 8)))
      (loop $next
        (if (i64.eq (i64.load align=1 (local.get $at)) (i64.const 0x6178652e7372756f)) (then (return (i32.const 1))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.le_s (local.get $at) (local.get $end))))
      (i32.const 0))
    (func (export "opa_eval") (param $reserved i32) (param $entrypoint i32) (param $data i32)
        (param $input i32) (param $length i32) (param $heap i32) (param $format i32) (result i32)
      ${evaluate}))`;
  const module_ = wabt.parseWat('policy.wat', source);
  try {
    return new Uint8Array(module_.toBinary({}).buffer);
  } finally {
    module_.destroy();
  }
}

const engineOf = (module: Module = {}, options = {}): Promise<PolicyEngine> =>
  createRegoEngine(assemble(module), options);
const answering = (result: unknown): Module => ({
  evaluate: '(i32.const 12288)',
  data: json(12_288, result),
});
const ask: ActionRequest = { action: 'network.connect', host: 'ours.example', port: 443 };

describe('a module with the interface of OPA', () => {
  test('is given the request, and answers', async () => {
    const engine = await engineOf({
      evaluate: `(select (i32.const ${ALLOW}) (i32.const ${DENY}) (call $asksForOurs (local.get $input) (local.get $length)))`,
    });
    expect(engine.language).toBe('rego');
    for (let time = 0; time < 3; time++) {
      expect(engine.decide(ask)).toEqual({ outcome: 'ALLOW', rule: 'ours', reason: 'It is ours.' });
      expect(engine.decide({ ...ask, host: 'theirs.example' })).toEqual({
        outcome: 'DENY',
        rule: 'raypher/decision',
        reason: 'Rego policy raypher/decision decides.',
      });
    }
  });

  test('takes requests that are larger than its memory', async () => {
    const engine = await engineOf({
      evaluate: `(select (i32.const ${ALLOW}) (i32.const ${DENY}) (i32.gt_u (local.get $length) (i32.const 400000)))`,
    });
    const request: ActionRequest = { action: 'process.exec', command: 'x', arguments: ['y'.repeat(500_000)] };
    expect(engine.decide(request).outcome).toBe('ALLOW');
    expect(engine.decide(ask).outcome).toBe('DENY');
  });

  test('may ask a person', async () => {
    const engine = await engineOf(
      answering(set({ outcome: 'PROMPT', rule: 'large', reason: 'A word first.' })),
    );
    expect(engine.decide(ask)).toMatchObject({ outcome: 'PROMPT', rule: 'large' });
  });

  test.each<[string, Module, string]>([
    ['says nothing', answering([]), 'rego/undefined'],
    ['says something else', answering(set(true)), 'rego/error'],
    ['says an outcome that is none', answering(set({ outcome: 'allow' })), 'rego/error'],
    ['says two things', answering([...set({ outcome: 'ALLOW' }), ...set({ outcome: 'DENY' })]), 'rego/error'],
    ['answers with what is no JSON', answering('[{'), 'rego/error'],
    ['answers from outside of its memory', { evaluate: '(i32.const -1)' }, 'rego/error'],
    ['gives up', { evaluate: '(call $abort (i32.const 3072)) (i32.const 0)' }, 'rego/error'],
    ['traps', { evaluate: '(unreachable)' }, 'rego/error'],
  ])('that %s denies', async (_name, module, rule) => {
    const engine = await engineOf(module);
    expect(engine.decide(ask)).toMatchObject({ outcome: 'DENY', rule, reason: expect.stringMatching(/./) });
    expect(engine.decide(ask)).toMatchObject({ outcome: 'DENY', rule });
  });

  test('is not asked about what is no host', async () => {
    const engine = await engineOf({ evaluate: `(i32.const ${ALLOW})` });
    expect(engine.decide({ ...ask, host: 'a b' })).toMatchObject({
      outcome: 'DENY',
      rule: 'rego/invalid-place',
    });
  });

  test('shares nothing with another one', async () => {
    const [open, closed] = [await engineOf({ evaluate: `(i32.const ${ALLOW})` }), await engineOf()];
    expect([open.decide(ask).outcome, closed.decide(ask).outcome]).toEqual(['ALLOW', 'DENY']);
  });

  test('decides by another entrypoint when that is named', async () => {
    const two = {
      entrypoints: '{"raypher/decision":0,"other/rule":1}',
      evaluate: `(select (i32.const ${ALLOW}) (i32.const ${DENY}) (local.get $entrypoint))`,
    };
    expect((await engineOf(two)).decide(ask).outcome).toBe('DENY');
    expect((await engineOf(two, { entrypoint: 'other/rule' })).decide(ask).outcome).toBe('ALLOW');
  });
});

describe('what is refused', () => {
  test.each<[string, () => Uint8Array<ArrayBuffer>, RegExp]>([
    ['another version of the interface', () => assemble({ version: 2 }), /unsupported ABI version 2/],
    [
      'a policy without the entrypoint',
      () => assemble({ entrypoints: '{"a/b":0}' }),
      /no entrypoint "raypher\/decision"; it has: a\/b/,
    ],
    ['no WebAssembly', () => new Uint8Array([1, 2, 3]), /not a policy that OPA compiled/],
    [
      'a module of something else',
      () => new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]),
      /not a policy that OPA compiled/,
    ],
  ])('%s', async (_name, wasm, message) => {
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => {});
    await expect(createRegoEngine(wasm())).rejects.toThrow(message);
    quiet.mockRestore();
  });
});
