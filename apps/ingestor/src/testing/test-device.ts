import 'reflect-metadata';
import { createHash, createPrivateKey, type KeyObject, sign, webcrypto } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import * as x509 from '@peculiar/x509';
import { batchStatement, type ChainHead, canonicalBytes, EMPTY_CHAIN, sha256Hex } from '@raypher/ledger';
import { type EventBatch, type Hello, LinkClient, type LinkTransport } from '@raypher/shared';
import { EnrolResponse } from '@raypher/shared/rest';
import { postJson } from './https-request.ts';
import { TestStream } from './test-stream.ts';

/** A key and the request for a certificate over it. */
export async function createDeviceKey(): Promise<{ key: KeyObject; csr: string }> {
  const pair = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    // What a device claims here must not matter.
    name: 'CN=somebody-else',
    keys: pair,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey));
  return { key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), csr: csr.toString('pem') };
}

export const DEVICE_FACTS = {
  hostname: 'test-laptop',
  os: 'Linux',
  kernel: '6.12',
  arch: 'x64',
  agentVersion: '0.1.0',
  machineId: 'test-machine',
  identityClass: 'software',
} as const;

/** An enrolled device that keeps its own chain. */
export class TestDevice {
  readonly clients: LinkClient[] = [];
  private readonly streams: TestStream[] = [];
  head: ChainHead = EMPTY_CHAIN;

  constructor(
    readonly id: string,
    readonly organisationId: string,
    readonly key: KeyObject,
    readonly csr: string,
    readonly certificate: string,
    readonly ca: string,
    readonly answer: EnrolResponse,
  ) {}

  static async enrol(tlsPort: number, token: string): Promise<TestDevice> {
    const { key, csr } = await createDeviceKey();
    const { status, body } = await postJson(tlsPort, '/v1/enroll', { token, csr, device: DEVICE_FACTS });
    if (status !== 201) throw new Error(`enrolment failed: ${JSON.stringify(body)}`);
    const answer = EnrolResponse.parse(body);
    return new TestDevice(
      answer.device,
      answer.organisation.id,
      key,
      csr,
      answer.certificate,
      answer.ca,
      answer,
    );
  }

  get keyPem(): string {
    return this.key.export({ format: 'pem', type: 'pkcs8' }).toString();
  }

  /** A stream; nothing is said on it yet. */
  connect(port: number, identity?: { key: string; certificate: string }): TestStream {
    const client = new LinkClient(
      `localhost:${port}`,
      credentials.createSsl(
        Buffer.from(this.ca),
        Buffer.from(identity?.key ?? this.keyPem),
        Buffer.from(identity?.certificate ?? this.certificate),
      ),
    );
    this.clients.push(client);
    return TestStream.overGrpc(client);
  }

  /** As {@link connect}, with the agent's own end of the line. */
  connectOver(
    transport: LinkTransport,
    port: number,
    identity?: { key: string; certificate: string },
  ): TestStream {
    const stream = TestStream.over(transport, { host: 'localhost', port, tls: this.tls(identity) });
    this.streams.push(stream);
    return stream;
  }

  async openOver(transport: LinkTransport, port: number): Promise<TestStream> {
    const stream = this.connectOver(transport, port);
    stream.send({ $case: 'hello', value: this.hello() });
    await stream.next('eventAck');
    return stream;
  }

  tls(identity?: { key: string; certificate: string }): SecureContextOptions {
    return {
      ca: this.ca,
      key: identity?.key ?? this.keyPem,
      cert: identity?.certificate ?? this.certificate,
      minVersion: 'TLSv1.3',
    };
  }

  /** A stream past Hello. */
  async open(port: number): Promise<TestStream> {
    const stream = this.connect(port);
    stream.send({ $case: 'hello', value: this.hello() });
    await stream.next('eventAck');
    return stream;
  }

  hello(overrides: Partial<Hello> = {}): Hello {
    return { ...this.plainHello(), ...overrides };
  }

  /** Adds entries to the device's own chain and gives their bytes. */
  record(
    count: number,
    change: (entry: Record<string, unknown>, index: number) => void = () => undefined,
  ): Buffer[] {
    return Array.from({ length: count }, (_, index) => {
      const entry: Record<string, unknown> = {
        v: 1,
        organisation: this.organisationId,
        device: this.id,
        seq: this.head.seq + 1,
        prev: this.head.hash,
        at: new Date().toISOString(),
        type: 'network.request',
        severity: 'info',
        actor: { kind: 'ai-agent', id: 'agent', name: 'node agent.mjs' },
        action: 'call',
        target: 'api.example.com/v1/chat',
        verdict: {
          outcome: 'ALLOW',
          mode: 'enforce',
          layer: 'global',
          rule: 'r1',
          reason: 'because',
          revision: 1,
        },
        data: { status: 200 },
      };
      change(entry, index);
      const bytes = Buffer.from(canonicalBytes(entry));
      this.head = { seq: this.head.seq + 1, hash: sha256Hex(bytes) };
      return bytes;
    });
  }

  /** Signs a run of entries as one batch. */
  batch(entries: Buffer[], firstSeq: number): EventBatch {
    const last = entries.at(-1) ?? Buffer.alloc(0);
    const chainHead = createHash('sha256').update(last).digest();
    const statement = batchStatement({
      organisation: this.organisationId,
      device: this.id,
      firstSeq,
      count: entries.length,
      head: chainHead.toString('hex'),
    });
    return {
      firstSeq: BigInt(firstSeq),
      entries,
      chainHead,
      signature: sign('sha256', statement, { key: this.key, dsaEncoding: 'der' }),
      privateParts: [],
    };
  }

  close(): void {
    for (const client of this.clients) client.close();
    for (const stream of this.streams) stream.call.cancel();
  }

  private plainHello(): Hello {
    return {
      deviceId: this.id,
      bootId: 'boot-1',
      sessionId: 'session-1',
      agentVersion: '0.1.0',
      protocolVersion: 1,
      hostname: 'test-laptop',
      os: 'Linux',
      kernel: '6.12',
      arch: 'x64',
      capabilities: [],
      posture: [],
      applied: { policy: undefined, freeze: undefined },
      ledgerHead: { seq: BigInt(this.head.seq), hash: Buffer.from(this.head.hash, 'hex') },
      queueDepth: 0n,
      vaultKey: undefined,
    };
  }
}
