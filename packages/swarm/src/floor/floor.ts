import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  type AgentMessage,
  type ControlMessage,
  type DeviceId,
  deviceUri,
  type EventBatch,
  LinkService,
  MAX_FRAME_BYTES,
  type OrganisationId,
  Phase,
  type StateSlot,
} from '@raypher/shared';
import type { EnrolResponse } from '@raypher/shared/rest';
import { FloorAuthority } from './authority.ts';
import { BundleSigner } from './bundle-signer.ts';
import { createEnrolmentServer } from './enrolment-server.ts';

export interface FloorOptions {
  /** Batches a device may have in flight. */
  credit?: number;
  /** Sees every batch; what it returns is acknowledged as durable. Without it batches are acknowledged unread. */
  onBatch?: (device: string, batch: EventBatch) => number | undefined;
  /** What Hello is answered with: everything through here is durable. 0 without it. */
  resumeFrom?: (device: string) => number;
}

/** The least control plane that the protocol allows. */
export interface Floor {
  server: URL;
  token: string;
  readonly streams: number;
  /** APPLIED acknowledgements received for the newest revision. */
  readonly applied: number;
  /** Signs one small policy (about 256 bytes) and sends it to every stream. @returns its revision */
  broadcast(): number;
  /** The same with a payload that was changed after it was signed. */
  broadcastForged(): void;
  /** Breaks every stream. */
  dropAll(): void;
  close(): Promise<void>;
}

type Stream = ServerDuplexStream<AgentMessage, ControlMessage>;

const NOTHING_YET = Buffer.alloc(32);

/**
 * Starts a control plane that stores nothing and checks nothing: mutual TLS, the protocol and a handler that does
 * next to nothing. What it costs is the floor that the real one is measured against; what it sends is what the real
 * one would send, so devices can be tested without a database.
 */
export async function startFloor(options: FloorOptions = {}): Promise<Floor> {
  const authority = await FloorAuthority.create();
  const { certificate, key } = await authority.serverCertificate();
  const signer = new BundleSigner();
  // ids.ts brands what zod has parsed; these were made here.
  const organisation = randomUUID() as OrganisationId;
  const pin = createHash('sha256').update(authority.rootKey).digest('base64url');
  const token = `rpt1.${randomBytes(16).toString('hex')}.${randomBytes(32).toString('base64url')}.${pin}`;

  const streams = new Set<Stream>();
  let revision = 0;
  let applied = 0;

  const connect = (stream: Stream) => {
    let device = '';
    streams.add(stream);
    const forget = () => streams.delete(stream);
    stream.on('cancelled', forget).on('error', forget);
    stream.on('end', () => {
      forget();
      stream.end();
    });
    stream.on('data', ({ body }: AgentMessage) => {
      // A write behind its end would destroy the stream before its status is sent, and the device would wait for ever.
      if (!streams.has(stream)) return;
      switch (body?.$case) {
        case 'hello':
          device = body.value.deviceId;
          stream.write(durableThrough(options.resumeFrom?.(device) ?? 0));
          stream.write({ body: { $case: 'credit', value: { batches: options.credit ?? 4 } } });
          return;
        case 'ack':
          if (body.value.phase === Phase.PHASE_APPLIED && body.value.revision === BigInt(revision))
            applied += 1;
          return;
        case 'events': {
          const durable = (options.onBatch ?? unread)(device, body.value);
          if (durable !== undefined) stream.write(durableThrough(durable));
          stream.write({ body: { $case: 'credit', value: { batches: 1 } } });
          return;
        }
      }
    });
  };

  const link = new Server({ 'grpc.max_receive_message_length': MAX_FRAME_BYTES });
  link.addService(LinkService, { connect });
  const linkPort = await promisify(link.bindAsync.bind(link))(
    '127.0.0.1:0',
    ServerCredentials.createSsl(
      Buffer.from(authority.rootPem),
      [{ cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) }],
      true,
    ),
  );

  const enrol = async (csr: string): Promise<EnrolResponse> => {
    const device = randomUUID() as DeviceId;
    return {
      device,
      status: 'active',
      identityClass: 'software',
      organisation: { id: organisation, name: 'Floor' },
      certificate: await authority.deviceCertificate(csr, deviceUri(organisation, device)),
      ca: authority.rootPem,
      policyKeys: [{ keyId: signer.keyId, publicKey: signer.publicKey }],
      link: { host: '127.0.0.1', port: linkPort },
      renewAfter: new Date(Date.now() + 12 * 3_600_000).toISOString(),
    };
  };
  const https = createEnrolmentServer({ certificate, key, token, enrol });
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  const address = https.address();
  if (address === null || typeof address === 'string') throw new Error('The system gave no port number.');

  const nextSlot = (): StateSlot => {
    revision += 1;
    applied = 0;
    return signer.sign({
      kind: 'policy',
      organisation,
      revision,
      issuedAt: new Date().toISOString(),
      documents: [{ layer: 'global', source: 'apiVersion: raypher/v1\nmode: monitor\n' }],
    });
  };
  const sendToAll = (policy: StateSlot) => {
    for (const stream of streams)
      stream.write({ body: { $case: 'desired', value: { policy, freeze: undefined } } });
  };
  return {
    server: new URL(`https://127.0.0.1:${address.port}`),
    token,
    get streams() {
      return streams.size;
    },
    get applied() {
      return applied;
    },
    broadcast() {
      sendToAll(nextSlot());
      return revision;
    },
    broadcastForged() {
      const slot = nextSlot();
      const payload = Buffer.from(slot.bundle?.payload.toString('utf8').replace('monitor', 'enforce') ?? '');
      const digest = createHash('sha256').update(payload).digest();
      sendToAll({ ...slot, digest, bundle: slot.bundle && { ...slot.bundle, payload } });
    },
    dropAll() {
      const overloaded = Object.assign(new Error('The floor gives way.'), { code: status.UNAVAILABLE });
      for (const stream of streams) stream.emit('error', overloaded);
    },
    async close() {
      link.forceShutdown();
      https.closeAllConnections();
      await new Promise((resolve) => https.close(resolve));
    },
  };
}

/** The sequence number of the last entry. */
function unread(_device: string, { firstSeq, entries }: EventBatch): number {
  return Number(firstSeq) + entries.length - 1;
}

function durableThrough(seq: number): ControlMessage {
  return {
    body: { $case: 'eventAck', value: { durableThroughSeq: BigInt(seq), head: NOTHING_YET } },
  };
}
