import { HOSTNAME } from './device.ts';
import type { Facts } from './facts.ts';
import { type OcsfObject, present, unlessEmpty } from './ocsf-event.ts';

const OCTET = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`^(${OCTET}\\.){3}${OCTET}$`);
const METHOD = /^(CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|TRACE)$/;

/** IPv4 in dotted form, or IPv6; what is written in another way stays in `unmapped`. */
function isAddress(value: string): boolean {
  if (IPV4.test(value)) return true;
  return /^[0-9a-fA-F:.]+$/.test(value) && value.includes(':') && URL.canParse(`http://[${value}]/`);
}

/** Where it went. */
export function destinationOf(facts: Facts): OcsfObject | undefined {
  const address = facts.text('address', isAddress);
  const host = facts.text('host', (value) => HOSTNAME.test(value) || isAddress(value));
  const isNumber = host !== undefined && isAddress(host);
  return unlessEmpty(
    present({
      hostname: isNumber ? undefined : host,
      ip: address ?? (isNumber ? host : undefined),
      // A port alone is no place.
      port: host === undefined && address === undefined ? undefined : facts.whole('port', 0, 65_535),
    }),
  );
}

/** The request: method, host and path without query, as the entry has them. */
export function httpRequestOf(target: string, host: string | undefined, facts: Facts): OcsfObject {
  const path = host !== undefined && target.startsWith(host) ? target.slice(host.length) : target;
  return present({
    http_method: facts.text('method', (value) => METHOD.test(value)),
    url: present({ hostname: host, path: path === '' ? '/' : path }),
  });
}

/** The answer, when there was one. */
export function httpResponseOf(facts: Facts): OcsfObject | undefined {
  const code = facts.whole('status', 100, 999);
  return code === undefined ? undefined : { code };
}

export function trafficOf(facts: Facts): OcsfObject | undefined {
  return unlessEmpty(
    present({ bytes_in: facts.whole('bytesReceived'), bytes_out: facts.whole('bytesSent') }),
  );
}
