import { expect, test } from 'vitest';
import { modelsInForm } from './model-in-form.ts';

const TYPE = 'multipart/form-data; boundary=b0';
const part = (head: string, value: string, line = '\r\n') =>
  `--b0${line}${head}${line}${line}${value}${line}`;
const field = (name: string, value: string) => part(`Content-Disposition: form-data; name="${name}"`, value);
const FILE = part(
  'Content-Disposition: form-data; name="file"; filename="model"\r\nContent-Type: audio/wav',
  'RIFF',
);
const read = (...parts: string[]) => modelsInForm(Buffer.from(`${parts.join('')}--b0--\r\n`, 'latin1'), TYPE);

test('the field names it, wherever it stands', () => {
  expect(read(FILE, field('model', 'whisper-1'))).toEqual(['whisper-1']);
  expect(read(field('model', 'whisper-1'), FILE)).toEqual(['whisper-1']);
  expect(read(part('content-disposition: form-data; name=model', 'whisper-1'))).toEqual(['whisper-1']);
});

test('a form without it names none, whatever files say', () => {
  expect(read(FILE, field('model_options', 'x'), field('language', 'en'))).toEqual([]);
  expect(read(FILE.replace('RIFF', '<input name="model">\r\n\r\ndear\r\n'))).toEqual([]);
});

test.each([
  ['twice', field('model', 'dear')],
  [
    'with a parameter behind it',
    part(`Content-Disposition: form-data; name="model"; x="${'y'.repeat(99)}"`, 'dear'),
  ],
  [
    'with many headers',
    part(`${'X-A: b\r\n'.repeat(9)}Content-Disposition: form-data; name="model"`, 'dear'),
  ],
  [
    'with a long header',
    part(`X-A: ${'b'.repeat(300)}\r\nContent-Disposition: form-data; name="model"`, 'dear'),
  ],
  ['in single quotes', part("Content-Disposition: form-data; name='model'", 'dear')],
  ['escaped', part('Content-Disposition: form-data; name="mod\\el"', 'dear')],
  ['extended', part("Content-Disposition: form-data; name*=UTF-8''mod%65l", 'dear')],
  ['as one of a list', field('model[]', 'dear')],
  ['with spaces', part('Content-Disposition: form-data; name = " model "', 'dear')],
  ['behind another name', part('Content-Disposition: form-data; name="x"; name="model"', 'dear')],
  ['on a folded line', part('Content-Disposition: form-data;\r\n name="model"', 'dear')],
  ['in lines without CR', part('Content-Disposition: form-data; name="model"', 'dear', '\n')],
  ['inside of another value', field('x', '\n--b0\nContent-Disposition: form-data; name="model"\n\ndear')],
])('a second one that some server may read is not overlooked: %s', (_how, second) => {
  expect(read(field('model', 'cheap'), second)).toEqual([null]);
  expect(read(second, field('model', 'cheap'))).toEqual([null]);
});

test.each([
  ['two lines', field('model', 'cheap\r\ndear')],
  ['no value', field('model', '')],
  [
    'an encoding',
    part('Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64', 'ZGVhcg=='),
  ],
  ['no end', '--b0\r\nContent-Disposition: form-data; name="model"'],
])('a value that can be read in two ways is none: %s', (_how, form) => {
  expect(read(form)).toEqual([null]);
});

test.each([
  'multipart/form-data',
  'multipart/form-data; boundary=other',
  'multipart/form-data; boundary=b0; boundary=other',
])('a boundary that is not sure is not guessed: %s', (type) => {
  expect(modelsInForm(Buffer.from(`${field('model', 'cheap')}--b0--`), type)).toEqual([null]);
});

test('a form made of beginnings keeps nobody busy', () => {
  const began = process.cpuUsage().user;
  modelsInForm(Buffer.from('--b0\r\nname=name="model'.repeat(100_000)), TYPE);
  modelsInForm(Buffer.from('--b0\r\nname="model"\r\n\r\n\n'.repeat(100_000)), TYPE);
  expect((process.cpuUsage().user - began) / 1000).toBeLessThan(5_000);
});
