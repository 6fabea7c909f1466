import fc from 'fast-check';
import { expect, test } from 'vitest';
import { modelsInJson } from './model-name.ts';

const read = (text: string) => modelsInJson(Buffer.from(text));

test.each<[string, (string | null)[]]>([
  ['{"model":"gpt-4o"}', ['gpt-4o']],
  [' \n{ "messages" : [{"model":"inner","n":[1,{"model":2}]}] , "model" : "outer" }', ['outer']],
  ['{"text":"\\"model\\":\\"x\\", {","model":"y"}', ['y']],
  ['{"mod\\u0065l":"z"}', ['z']],
  ['{"model":"a","models":["b","c"]}', ['a', 'b', 'c']],
  ['{"model":"a","model":"a"}', [null]],
  ['{"model":{"name":"a"}}', [null]],
  ['{"model":null}', [null]],
  ['{"models":"a"}', [null]],
  ['{}', []],
  ['[]', [null]],
  ['"model"', [null]],
  ['{"model":"a"} trailing', [null]],
  ['', [null]],
  ['{"model":"\ufeffa"}', ['\ufeffa']],
])('%j names %j', (text, expected) => {
  expect(read(text)).toEqual(expected);
});

test('bytes that are not UTF-8 are not guessed at', () => {
  expect(modelsInJson(Buffer.from([0x7b, 0xff, 0x7d]))).toEqual([null]);
});

test('whatever else is in the body, the model at its top level is found and no other', () => {
  const others = fc.dictionary(
    fc.string().filter((key) => key !== 'model' && key !== 'models' && key !== '__proto__'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(others, fc.string(), fc.boolean(), (rest, model, isFirst) => {
      const body = isFirst ? { model, ...rest } : { ...rest, model };
      expect(read(JSON.stringify(body))).toEqual([model]);
      expect(read(JSON.stringify(body, null, 2))).toEqual([model]);
      expect(read(JSON.stringify(rest))).toEqual([]);
    }),
  );
});
