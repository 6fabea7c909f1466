import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import { ACCOUNT_ATTEMPTS } from './account-attempts.ts';

let api: TestApi;
let acme: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
});
afterAll(() => api.stop());

const browser = (address: string) => api.browser(address);
const somebody = (name: string) => api.somebody(acme, name);

describe('signing in is limited per account, wherever the attempts come from', () => {
  /** Six at the same moment, each from an address of its own, until there were `times`. @returns the statuses, sorted */
  const guess = async (email: string, times: number, network: string) => {
    const statuses: number[] = [];
    while (statuses.length < times) {
      const wave = Array.from({ length: Math.min(6, times - statuses.length) }, (_, at) =>
        browser(`10.${network}.${statuses.length + at}`).post('/api/auth/sign-in/email', {
          email,
          password: 'a wrong password',
        }),
      );
      statuses.push(...(await Promise.all(wave)).map(({ status }) => status));
    }
    return statuses.sort();
  };

  it('also for the right password, and for an account that does not exist', async () => {
    const { email, password } = await somebody('guessed');
    const guessed = [...Array(ACCOUNT_ATTEMPTS).fill(401), ...Array(10).fill(429)];
    expect(await guess(email, ACCOUNT_ATTEMPTS + 10, '8.0')).toEqual(guessed);
    expect(await guess('no-guessed@example.test', ACCOUNT_ATTEMPTS + 10, '8.1')).toEqual(guessed);
    const late = await browser('10.8.2.1').post('/api/auth/sign-in/email', {
      email: email.toUpperCase(),
      password,
    });
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, '900']);
    const refusals = async () => {
      const { body } = await acme.administrator.get('/v1/audit?limit=200');
      return body.items.filter(
        ({ action, target }: { action: string; target: string }) =>
          action === 'session.refuse' && target === email,
      );
    };
    await expect.poll(refusals).toHaveLength(ACCOUNT_ATTEMPTS + 1);
    const entries = await refusals();
    for (const { actor, address } of entries) {
      expect(actor.kind).toBe('system');
      expect(address).toMatch(/^10\.8\.0\.\d+$/);
    }
    const reasons = entries.map(({ reason }: { reason: string }) => reason).sort();
    expect(reasons).toEqual([
      expect.stringMatching(/^Too many attempts/),
      ...Array(ACCOUNT_ATTEMPTS).fill('Wrong password.'),
    ]);
  });

  it('but not for the browser of somebody who signed in before, and for no other account in it', async () => {
    const [first, second] = [await somebody('known'), await somebody('neighbour')];
    const signedIn = await browser('10.8.3.1').post('/api/auth/sign-in/email', first);
    expect(signedIn.status).toBe(200);
    await guess(first.email, ACCOUNT_ATTEMPTS + 1, '8.4');
    await guess(second.email, ACCOUNT_ATTEMPTS + 1, '8.5');
    const known = browser('10.8.3.2').keeping(signedIn);
    expect((await known.post('/api/auth/sign-in/email', second)).status).toBe(429);
    expect((await known.post('/api/auth/sign-in/email', first)).status).toBe(200);
    const [cookie = ''] = signedIn.headers
      .getSetCookie()
      .filter((line) => line.startsWith('raypher.known_browser='));
    expect(cookie).toMatch(/HttpOnly/);
    const forged = browser('10.8.3.3').with({ cookie: cookie.split('.', 3).slice(0, 2).join('.') });
    expect((await forged.post('/api/auth/sign-in/email', first)).status).toBe(429);
  });

  it('anew after the right password', async () => {
    const { email, password } = await somebody('forgetful');
    await guess(email, ACCOUNT_ATTEMPTS - 1, '8.6');
    const right = await browser('10.8.7.1').post('/api/auth/sign-in/email', { email, password });
    expect(right.status).toBe(200);
    expect(await guess(email, 2, '8.8')).toEqual([401, 401]);
  });

  it('and a browser that is known guesses no more than others', async () => {
    const { email, password } = await somebody('stolen');
    const signedIn = await browser('10.8.9.1').post('/api/auth/sign-in/email', { email, password });
    const statuses = [];
    for (let at = 0; at <= ACCOUNT_ATTEMPTS; at += 1) {
      const known = browser(`10.8.10.${at}`).keeping(signedIn);
      const { status } = await known.post('/api/auth/sign-in/email', { email, password: 'a wrong one' });
      statuses.push(status);
    }
    expect(statuses).toEqual([...Array(ACCOUNT_ATTEMPTS).fill(401), 429]);
  });
});
