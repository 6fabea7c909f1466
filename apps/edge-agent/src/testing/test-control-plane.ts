import { createPublicKey, type KeyObject, randomBytes, randomUUID, verify } from 'node:crypto';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { batchStatement, type ChainHead, EMPTY_CHAIN, extendChain } from '@raypher/ledger';
import {
  type AgentMessage,
  type BundlePayload,
  type CommandPayload,
  type ControlMessage,
  DeviceId,
  type LedgerEntry,
  LinkService,
  OrganisationId,
  Phase,
  RaypherError,
  type StateSlot,
} from '@raypher/shared';
import type { DeviceStatus, IdentityClass } from '@raypher/shared/rest';
import { readEntry } from '../ledger/ledger.ts';
import { type Body, MessageLog } from './message-log.ts';
import { PolicySigner } from './policy-signer.ts';
import { TestAttestation } from './test-attestation.ts';
import { TestAuthority } from './test-authority.ts';

type Stream = ServerDuplexStream<AgentMessage, ControlMessage>;

/**
 * The other end of the link, small but faithful: it enrols with real certificates, demands mutual TLS, and
 * checks the chain and signature of every batch as the control plane does.
 */
export class TestControlPlane extends MessageLog {
  readonly organisation = OrganisationId.parse(randomUUID());
  readonly device = DeviceId.parse(randomUUID());
  readonly signer = new PolicySigner();
  readonly entries: LedgerEntry[] = [];
  /** Private parts by the sequence number of their entry. */
  readonly privateParts = new Map<number, string>();
  readonly offered: StateSlot[] = [];
  /** Tokens that were sent here; none, when the device did not trust the server. */
  readonly tokensSeen: string[] = [];
  head: ChainHead = EMPTY_CHAIN;
  /** Batches granted when a stream opens, and again for each batch. */
  credits = 4;
  certificateLifeMs = 24 * 3_600_000;
  /** What becomes of a device that enrols. */
  admits: DeviceStatus = 'active';
  /** Asked of a device that is not let in. */
  retryAfterMs: number | undefined = 300;
  connections = 0;
  /** Times that a device was refused the link. */
  refused = 0;
  readonly attestation = new TestAttestation();
  /** Bodies of requests, newest last, by path. */
  readonly requests: { path: string; body: Record<string, unknown> }[] = [];
  /** Requests to these paths are carried out, but their answers never arrive. */
  readonly lost = new Set<string>();
  readonly authority: TestAuthority;
  readonly #token = `${randomUUID().replaceAll('-', '')}.${randomBytes(32).toString('base64url')}`;
  readonly #https: HttpsServer;
  #grpc: Server;
  readonly #serverIdentity: { certificate: string; key: string };
  #linkPort = 0;
  #stream: Stream | undefined;
  #deviceKey: KeyObject | undefined;
  #status: DeviceStatus = 'active';

  private constructor(authority: TestAuthority, identity: { certificate: string; key: string }) {
    super();
    this.authority = authority;
    this.#serverIdentity = identity;
    this.#https = createHttpsServer(
      {
        key: identity.key,
        cert: identity.certificate,
        ca: authority.rootPem,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        if (request.method !== 'POST') {
          response.writeHead(404).end();
          return;
        }
        let text = '';
        request.setEncoding('utf8');
        request.on('data', (chunk: string) => {
          text += chunk;
        });
        request.on('end', () => {
          // The server made this socket itself, with TLS.
          const socket = request.socket as TLSSocket;
          const path = request.url ?? '';
          void this.#answer(path, JSON.parse(text), socket)
            .catch((error: unknown): [number, unknown] => {
              if (!(error instanceof RaypherError)) throw error;
              return [error.httpStatus, error.toBody()];
            })
            .then(([code, body]) => {
              if (this.lost.has(path)) {
                socket.destroy();
                return;
              }
              response.writeHead(code, { 'content-type': 'application/json' });
              response.end(JSON.stringify(body));
            });
        });
      },
    );
    this.#grpc = this.#createLink();
  }

  static async start(): Promise<TestControlPlane> {
    const authority = await TestAuthority.create();
    const plane = new TestControlPlane(authority, await authority.issueServer());
    await new Promise<void>((resolve) => plane.#https.listen(0, '127.0.0.1', resolve));
    await plane.#bindLink();
    return plane;
  }

  get server(): URL {
    // A listening TCP server has a port.
    return new URL(`https://127.0.0.1:${(this.#https.address() as AddressInfo).port}`);
  }

  get token(): string {
    return `rpt1.${this.#token}.${this.authority.pin}`;
  }

  /** Resolves when an entry of this type is in the ledger. */
  async entry(type: LedgerEntry['type']): Promise<LedgerEntry> {
    const find = (): LedgerEntry | undefined => this.entries.find((entry) => entry.type === type);
    return find() ?? this.next((body) => (body.$case === 'events' ? find() : undefined));
  }

  /** Resolves when the ledger here has this many entries. */
  async durable(seq: number): Promise<void> {
    if (this.head.seq >= seq) return;
    await this.next((body) => (body.$case === 'events' && this.head.seq >= seq ? true : undefined));
  }

  /** Puts a state into the policy's place, whatever it is. */
  offer(slot: StateSlot): void {
    this.offered.push(slot);
    this.send({ $case: 'desired', value: { policy: slot, freeze: undefined } });
  }

  /** Offers a state and waits until the device has applied it. */
  async deploy(payload: Extract<BundlePayload, { revision: number }>) {
    const slot = this.signer.slot(payload);
    const applied = this.ack(Phase.PHASE_APPLIED, payload.revision);
    this.offered.push(slot);
    const value =
      payload.kind === 'freeze' ? { policy: undefined, freeze: slot } : { policy: slot, freeze: undefined };
    this.send({ $case: 'desired', value });
    return applied;
  }

  /** Sends a signed command and waits for its result. */
  async order(payload: CommandPayload) {
    const result = this.next((body) =>
      body.$case === 'commandResult' && body.value.commandId === payload.id ? body.value : undefined,
    );
    this.send({ $case: 'command', value: { id: payload.id, bundle: this.signer.bundle(payload) } });
    return result;
  }

  send(body: NonNullable<ControlMessage['body']>): void {
    if (this.#stream === undefined) throw new Error('no device is connected');
    this.#stream.write({ body });
  }

  /** The link stops answering until {@link openLink}. */
  closeLink(): void {
    this.#stream = undefined;
    this.#grpc.forceShutdown();
  }

  async openLink(): Promise<void> {
    this.#grpc = this.#createLink();
    await this.#bindLink();
  }

  async stop(): Promise<void> {
    this.#grpc.forceShutdown();
    this.#https.closeAllConnections();
    await new Promise((resolve) => this.#https.close(resolve));
  }

  async #answer(path: string, body: Record<string, unknown>, socket: TLSSocket): Promise<[number, unknown]> {
    this.requests.push({ path, body });
    switch (path) {
      case '/v1/enroll/challenge':
        this.#checkToken(body.token);
        return [201, this.attestation.challenge(body)];
      case '/v1/enroll':
        return [201, await this.#enrol(body)];
      case '/v1/renew/challenge':
        this.#checkPeer(socket, 'expired too');
        return [201, this.attestation.renewalChallenge()];
      case '/v1/renew':
        this.#checkPeer(socket, 'expired too');
        this.attestation.verifyRenewal(body.tpm);
        return [201, await this.#issue(String(body.csr))];
      case '/v1/leave':
        this.#checkPeer(socket);
        this.#status = 'revoked';
        return [201, {}];
      default:
        return [404, { error: { code: 'request/not-found', message: `There is no ${path}.` } }];
    }
  }

  async #enrol({ token, csr, tpm }: Record<string, unknown>): Promise<unknown> {
    this.tokensSeen.push(String(token));
    this.#checkToken(token);
    const key = createPublicKey({
      key: TestAuthority.requestedKey(String(csr)),
      format: 'der',
      type: 'spki',
    });
    if (tpm === undefined) this.attestation.forget();
    else this.attestation.verifyEnrolment(tpm, String(token), key.export({ type: 'spki', format: 'der' }));
    this.#deviceKey = key;
    this.#status = this.admits;
    const identityClass: IdentityClass = tpm === undefined ? 'software' : 'unverified';
    return {
      ...(await this.#issue(String(csr))),
      device: this.device,
      status: this.#status,
      identityClass,
      organisation: { id: this.organisation, name: 'Test organisation' },
      policyKeys: [{ keyId: this.signer.keyId, publicKey: this.signer.publicKey }],
      link: { host: '127.0.0.1', port: this.#linkPort },
    };
  }

  async #issue(csr: string) {
    const { certificateLifeMs: life } = this;
    return {
      certificate: await this.authority.issueDevice(csr, this.organisation, this.device, life),
      ca: this.authority.rootPem,
      renewAfter: new Date(Date.now() + (life * 2) / 3).toISOString(),
    };
  }

  #checkToken(token: unknown): void {
    if (token === this.token) return;
    throw new RaypherError('enrolment/token-unknown', 'Unknown.', { hint: 'Create another.' });
  }

  #checkPeer(socket: TLSSocket, accepts: 'good' | 'expired too' = 'good'): void {
    // The types say Error, Node.js gives a text.
    const hasExpired = String(socket.authorizationError) === 'CERT_HAS_EXPIRED';
    if (hasExpired && accepts === 'good') {
      throw new RaypherError('device/certificate-expired', 'It can only be renewed.');
    }
    if (!socket.authorized && !hasExpired) {
      throw new RaypherError('device/certificate-missing', 'A certificate is needed.');
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
  }

  /** An administrator decides; an open stream ends when that means that the device may not connect. */
  decide(status: DeviceStatus): void {
    this.#status = status;
    const refusal = this.#refusal();
    if (refusal !== undefined && this.#stream !== undefined) this.#refuse(this.#stream, refusal);
  }

  #refusal(): RaypherError | undefined {
    if (this.#status === 'active') return undefined;
    return new RaypherError(`device/${this.#status}`, `An administrator has to decide (${this.#status}).`);
  }

  /** As the control plane does: a Retry message, then a status that has the code in its trailers. */
  #refuse(stream: Stream, error: RaypherError): void {
    this.refused += 1;
    const metadata = new Metadata();
    metadata.set('raypher-code', error.code);
    if (this.retryAfterMs !== undefined) {
      stream.write({
        body: { $case: 'retry', value: { afterMs: this.retryAfterMs, reason: error.code } },
      });
    }
    if (this.#stream === stream) this.#stream = undefined;
    stream.emit('error', { code: error.grpcStatus, details: error.message, metadata });
  }

  #createLink(): Server {
    const server = new Server();
    server.addService(LinkService, {
      connect: (stream: Stream) => {
        this.#stream = stream;
        this.connections += 1;
        stream.on('data', (message: AgentMessage) => this.#take(stream, message));
        stream.on('end', () => stream.end());
        stream.on('error', () => {});
      },
    });
    return server;
  }

  async #bindLink(): Promise<void> {
    const { certificate, key } = this.#serverIdentity;
    const credentials = ServerCredentials.createSsl(
      Buffer.from(this.authority.rootPem),
      [{ cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) }],
      true,
    );
    this.#linkPort = await new Promise<number>((resolve, reject) => {
      this.#grpc.bindAsync(`127.0.0.1:${this.#linkPort}`, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }

  #take(stream: Stream, { body }: AgentMessage): void {
    if (body === undefined) return;
    if (body.$case === 'hello') {
      const refusal = this.#refusal();
      if (refusal !== undefined) {
        this.#refuse(stream, refusal);
        return;
      }
      this.#acknowledge(stream);
      stream.write({ body: { $case: 'credit', value: { batches: this.credits } } });
    }
    if (body.$case === 'events') {
      this.#append(body.value);
      this.#acknowledge(stream);
      if (this.credits > 0) stream.write({ body: { $case: 'credit', value: { batches: 1 } } });
    }
    this.took(body);
  }

  #append(batch: Extract<Body, { $case: 'events' }>['value']): void {
    const { firstSeq, entries, chainHead, signature, privateParts } = batch;
    const statement = batchStatement({
      organisation: this.organisation,
      device: this.device,
      firstSeq: Number(firstSeq),
      count: entries.length,
      head: chainHead.toString('hex'),
    });
    if (this.#deviceKey === undefined || !verify('sha256', statement, this.#deviceKey, signature)) {
      throw new Error('the batch is not signed by the device');
    }
    const walked = extendChain(this.head, entries, readEntry);
    if ('fault' in walked) throw new Error(JSON.stringify(walked.fault));
    this.head = walked.head;
    this.entries.push(...walked.entries.map(({ value }) => value));
    for (const { seq, content } of privateParts) this.privateParts.set(Number(seq), content.toString('utf8'));
  }

  #acknowledge(stream: Stream): void {
    const value = { durableThroughSeq: BigInt(this.head.seq), head: Buffer.from(this.head.hash, 'hex') };
    stream.write({ body: { $case: 'eventAck', value } });
  }
}
