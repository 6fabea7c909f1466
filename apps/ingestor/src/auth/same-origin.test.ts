import { describe, expect, it } from 'vitest';
import { changesSomething, isSameOrigin } from './same-origin.ts';

const OURS = 'https://console.example';

describe('isSameOrigin', () => {
  it.each([
    [{ origin: OURS }, true],
    [{ origin: OURS, 'sec-fetch-site': 'same-origin' }, true],
    [{ origin: 'https://evil.example' }, false],
    [{ origin: 'https://console.example.evil.example' }, false],
    [{ origin: 'http://console.example' }, false],
    [{ origin: 'null' }, false],
    [{ origin: '' }, false],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{}, false],
  ])('%o is %s', (headers, expected) => {
    expect(isSameOrigin(headers, OURS)).toBe(expected);
  });

  it('an Origin of somebody else is not outweighed by Sec-Fetch-Site', () => {
    expect(isSameOrigin({ origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }, OURS)).toBe(
      false,
    );
  });
});

describe('changesSomething', () => {
  it.each([
    ['GET', false],
    ['HEAD', false],
    ['POST', true],
    ['PATCH', true],
    ['DELETE', true],
  ])('%s: %s', (method, expected) => {
    expect(changesSomething(method)).toBe(expected);
  });
});
