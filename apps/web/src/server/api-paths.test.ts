import { describe, expect, it } from 'vitest';
import { ownerOfPath } from './api-paths.ts';

describe('who answers a path', () => {
  it.each([
    ['/', 'page'],
    ['/devices?state=connected', 'page'],
    ['/v1/me', 'api'],
    ['/v1', 'api'],
    ['/v1x', 'page'],
    ['/api/auth/sign-in/email', 'api'],
    ['/api/other', 'page'],
    ['/socket.io/?EIO=4&transport=polling', 'api'],
    ['/_next/static/chunks/a.js', 'page'],
  ])('%s: %s', (target, owner) => {
    expect(ownerOfPath(target)).toBe(owner);
  });

  it.each([
    '/v1/enroll',
    '/v1/renew',
    '/v1/enroll/challenge',
    '/v1/renew/challenge',
    '/v1/leave',
    '/v1/enroll/',
    '/V1/Enroll',
    '/v1//enroll',
    '/v1/%65nroll',
    '/v1/x/../enroll',
    '//evil.example/%zz',
  ])('%s is refused: device enrolment has its own listener', (target) => {
    expect(ownerOfPath(target)).toBe('refused');
  });
});
