import { Me } from '@raypher/shared/rest';
import { cookies } from 'next/headers';

export type LoadedMe = { kind: 'signed-in'; me: Me } | { kind: 'signed-out' } | { kind: 'no-answer' };

/** On the server, before a page is rendered: asks the API whose cookie this is. */
export async function loadMe(): Promise<LoadedMe> {
  const origin = process.env.RAYPHER_API_ORIGIN ?? 'http://127.0.0.1:4000';
  const cookie = (await cookies()).toString();
  try {
    const response = await fetch(new URL('/v1/me', origin), {
      headers: { cookie, accept: 'application/json' },
      cache: 'no-store',
      signal: AbortSignal.timeout(5_000),
    });
    if (response.status === 401 || response.status === 403) return { kind: 'signed-out' };
    if (!response.ok) return { kind: 'no-answer' };
    return { kind: 'signed-in', me: Me.parse(await response.json()) };
  } catch (error) {
    console.error('the API did not say who is signed in', error);
    return { kind: 'no-answer' };
  }
}
