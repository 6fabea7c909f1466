/**
 * Where to go after signing in: a path of this site, else the overview. A link from elsewhere must not
 * lead a person who has just signed in to another site.
 */
export function safeNext(next: string | string[] | undefined): string {
  if (typeof next !== 'string') return '/';
  const base = 'https://origin.invalid';
  try {
    const url = new URL(next, base);
    // "//evil.example" and "/\evil.example" resolve to another origin; "/.//evil.example" does once its dots are gone.
    if (!next.startsWith('/') || url.origin !== base || url.pathname.startsWith('//')) return '/';
    return `${url.pathname}${url.search}`;
  } catch {
    return '/';
  }
}
