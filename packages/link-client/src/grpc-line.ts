import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import { credentials, Metadata } from '@grpc/grpc-js';
import { LinkClient, MAX_FRAME_BYTES } from '@raypher/shared';
import { proxyCredentials } from './dial.ts';
import { endingOf, Teller } from './ending.ts';
import type { LinkEnding, LinkEvents, LinkLine, LinkTarget } from './line.ts';

/** How long a polite goodbye may take before the connection is broken. */
const GOODBYE_MS = 1_000;

/** The stream of link.proto over HTTP/2. @throws Error when the TLS options are not usable */
export function openGrpcLine(target: LinkTarget, events: LinkEvents): LinkLine {
  const { host, proxy } = target;
  const teller = new Teller(events);
  const client = new LinkClient(
    proxy === undefined
      ? authority(target)
      : authority({ host: proxy.hostname.replace(/^\[|\]$/g, ''), port: Number(proxy.port || 80) }),
    credentials.createFromSecureContext(createSecureContext(target.tls), {
      // The name that was dialled, whatever else the transport thinks it is talking to.
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    }),
    {
      ...serverName(target),
      ...(proxy === undefined ? {} : throughProxy(proxy, target)),
      'grpc.max_receive_message_length': MAX_FRAME_BYTES,
      'grpc.max_send_message_length': MAX_FRAME_BYTES,
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      // Bookkeeping that nobody reads costs memory on every channel.
      'grpc.enable_channelz': 0,
      // Environment variables meant for AI agents must not redirect the agent's own line.
      'grpc.enable_http_proxy': 0,
      // A new attempt is a new connection, with the certificate of that moment.
      'grpc.use_local_subchannel_pool': 1,
    },
  );
  const stream = client.connect();
  const hangUp = () => {
    stream.cancel();
    client.close();
  };
  stream.on('data', (message) => teller.message(message));
  stream.on('error', (error) => {
    teller.end(statusEnding(error));
    hangUp();
  });
  stream.on('end', () =>
    teller.end({ kind: 'over', reason: 'the control plane ended the connection', code: '' }),
  );
  return {
    write: (message) => {
      if (!teller.done) stream.write(message);
    },
    writable: () => !stream.writableNeedDrain,
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    leave: () => {
      teller.silence();
      stream.end();
      const insist = setTimeout(hangUp, GOODBYE_MS);
      stream.once('status', () => {
        clearTimeout(insist);
        client.close();
      });
    },
    close: () => {
      teller.silence();
      hangUp();
    },
  };
}

/** TLS server names are never addresses (RFC 6066 §3). */
function serverName({ host, proxy }: LinkTarget): Record<string, string> {
  if (isIP(host) !== 0) return { 'grpc.ssl_target_name_override': 'localhost' };
  return proxy === undefined ? {} : { 'grpc.ssl_target_name_override': host };
}

function throughProxy(proxy: URL, target: LinkTarget): Record<string, string> {
  const pair = proxyCredentials(proxy);
  return {
    'grpc.http_connect_target': `dns:${authority(target)}`,
    ...(pair === undefined ? {} : { 'grpc.http_connect_creds': pair }),
  };
}

function authority({ host, port }: { host: string; port: number }): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** grpc-js: "14 UNAVAILABLE: …"; the server's own sentence is in `details`, the code in the trailers. */
function statusEnding(error: Error): LinkEnding {
  const details = 'details' in error && typeof error.details === 'string' ? error.details : '';
  const [code] =
    'metadata' in error && error.metadata instanceof Metadata ? error.metadata.get('raypher-code') : [];
  return endingOf(details === '' ? error.message : details, code?.toString());
}
