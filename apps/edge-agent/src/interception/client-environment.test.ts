import { expect, test } from 'vitest';
import { foreignTrust, proxyVariables, trustVariables } from './client-environment.ts';

test('both spellings lead to the proxy, and this machine does not', () => {
  expect(proxyVariables(8888, {})).toEqual({
    HTTPS_PROXY: 'http://127.0.0.1:8888',
    https_proxy: 'http://127.0.0.1:8888',
    HTTP_PROXY: 'http://127.0.0.1:8888',
    http_proxy: 'http://127.0.0.1:8888',
    NO_PROXY: 'localhost,127.0.0.1,::1',
    no_proxy: 'localhost,127.0.0.1,::1',
    NODE_USE_ENV_PROXY: '1',
  });
});

test('a proxy that somebody chose is not half replaced by its other spelling', () => {
  const set = proxyVariables(8888, { https_proxy: 'http://proxy.example:3128' });
  expect(Object.keys(set)).not.toContain('HTTPS_PROXY');
  expect(set.HTTP_PROXY).toBe('http://127.0.0.1:8888');
});

test('a list of authorities that is set already is named', () => {
  const bundle = '/var/lib/raypher/interception/bundle.pem';
  expect(foreignTrust(bundle, trustVariables(bundle))).toEqual([]);
  expect(foreignTrust(bundle, { SSL_CERT_FILE: '/company.pem', PATH: '/bin' })).toEqual(['SSL_CERT_FILE']);
});
