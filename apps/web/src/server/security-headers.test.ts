import { describe, expect, it } from 'vitest';
import { readNonce } from '../lib/nonce.ts';
import { contentSecurityPolicy, createNonce, securityHeaders } from './security-headers.ts';

describe('the content security policy', () => {
  it('carries a nonce that pages can read back', () => {
    const nonce = createNonce();
    expect(readNonce(contentSecurityPolicy(nonce))).toBe(nonce);
    expect(readNonce(null)).toBeUndefined();
  });

  it('never repeats a nonce', () => {
    expect(new Set(Array.from({ length: 1000 }, createNonce)).size).toBe(1000);
  });

  it('lets no script run by evaluation or inline in production', () => {
    const scripts = contentSecurityPolicy('abc')
      .split('; ')
      .find((directive) => directive.startsWith('script-src '));
    expect(scripts).toBe("script-src 'self' 'nonce-abc' 'strict-dynamic'");
  });

  it('forbids framing and any other origin', () => {
    const policy = contentSecurityPolicy('abc');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
  });
});

describe('transport security', () => {
  it('is promised on https only', () => {
    expect(securityHeaders({ https: true })).toHaveProperty('strict-transport-security');
    expect(securityHeaders({ https: false })).not.toHaveProperty('strict-transport-security');
  });
});
