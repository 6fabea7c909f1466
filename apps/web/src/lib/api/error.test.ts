import { describe, expect, it } from 'vitest';
import { toApiError } from './error.ts';
import { withQuery } from './request.ts';

describe('a refused request', () => {
  it("carries the server's own sentence, hint and code", () => {
    const error = toApiError(409, {
      error: { code: 'policy/stale-revision', message: 'Revision 14 runs.', hint: 'Compare first.' },
    });
    expect(error).toMatchObject({
      status: 409,
      code: 'policy/stale-revision',
      message: 'Revision 14 runs.',
      hint: 'Compare first.',
    });
  });

  it.each([undefined, '<html>', { error: 'no' }])(
    'gets a sentence of its own when the body is %o',
    (body) => {
      expect(toApiError(502, body).message).toBe('The control plane answered with status 502.');
    },
  );

  it('is named a lost session without a body too', () => {
    expect(toApiError(401, undefined)).toMatchObject({
      code: 'auth/required',
      message: 'You are signed out.',
    });
  });
});

describe('a query string', () => {
  it('holds the parameters that have a value', () => {
    expect(withQuery('/v1/devices', { search: 'a b', state: undefined, team: '', limit: 0 })).toBe(
      '/v1/devices?search=a+b&limit=0',
    );
    expect(withQuery('/v1/devices')).toBe('/v1/devices');
  });
});
