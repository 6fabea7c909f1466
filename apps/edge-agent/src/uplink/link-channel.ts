import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type SecureContextOptions } from 'node:tls';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { type AgentMessage, type ControlMessage, LinkClient, MAX_FRAME_BYTES } from '@raypher/shared';

export interface LinkChannel {
  stream: ClientDuplexStream<AgentMessage, ControlMessage>;
  close: () => void;
}

/** Opens the stream to the control plane with mutual TLS. It ends with an error when there is no connection. */
export function openLinkChannel(
  link: { host: string; port: number },
  tls: SecureContextOptions,
): LinkChannel {
  const address = isIP(link.host) === 6 ? `[${link.host}]:${link.port}` : `${link.host}:${link.port}`;
  const client = new LinkClient(
    address,
    credentials.createFromSecureContext(createSecureContext(tls), {
      // The name that was dialled, whatever else the transport thinks it is talking to.
      checkServerIdentity: (_name, certificate) => checkServerIdentity(link.host, certificate),
    }),
    {
      // TLS server names are never addresses (RFC 6066 §3); the check above is against the address.
      ...(isIP(link.host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'localhost' }),
      'grpc.max_receive_message_length': MAX_FRAME_BYTES,
      'grpc.max_send_message_length': MAX_FRAME_BYTES,
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      // Environment variables meant for AI agents must not redirect the agent's own line.
      'grpc.enable_http_proxy': 0,
      // A new attempt is a new connection, with the certificate of that moment.
      'grpc.use_local_subchannel_pool': 1,
    },
  );
  const stream = client.connect();
  return {
    stream,
    close: () => {
      stream.cancel();
      client.close();
    },
  };
}
