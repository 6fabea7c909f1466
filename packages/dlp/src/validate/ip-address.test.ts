import { expect, it } from 'vitest';
import { isIpv4, isIpv6 } from './ip-address.ts';

it.each(['0.0.0.0', '10.0.0.1', '255.255.255.255'])('IPv4: %s', (text) => expect(isIpv4(text)).toBe(true));
it.each(['1.2.3', '256.1.1.1', '01.2.3.4', '1.2.3.4.5', '1.2.3.a'])('not IPv4: %s', (text) =>
  expect(isIpv4(text)).toBe(false),
);
it.each(['::', '::1', 'fe80::1', '2001:db8:0:0:0:0:2:1', '::ffff:192.0.2.1', '0:0:0:0:0:FFFF:129.144.52.38'])(
  'IPv6: %s',
  (text) => expect(isIpv6(text)).toBe(true),
);
it.each(['1::2::3', '12:30:45', '1:2:3:4:5:6:7:8:9', '::12345', '::1.2.3', '1:2:3:4:5:6:7::8:9'])(
  'not IPv6: %s',
  (text) => expect(isIpv6(text)).toBe(false),
);
