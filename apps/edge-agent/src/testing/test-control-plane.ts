import {
  createPublicKey,
  type KeyObject,
  randomBytes,
  randomUUID,
  verify,
  X509Certificate,
} from 'node:crypto';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
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
  type StateSlot,
} from '@raypher/shared';
import { readEntry } from '../ledger/ledger.ts';
import { type Body, MessageLog } from './message-log.ts';
import { PolicySigner } from './policy-signer.ts';
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
  readonly offered: StateSlot[] = [];
  /** Tokens that were sent here; none, when the device did not trust the server. */
  readonly tokensSeen: string[] = [];
  head: ChainHead = EMPTY_CHAIN;
  /** Batches granted when a stream opens, and again for each batch. */
  credits = 4;
  certificateLifeMs = 24 * 3_600_000;
  connections = 0;
  readonly authority: TestAuthority;
  readonly #token = `${randomUUID().replaceAll('-', '')}.${randomBytes(32).toString('base64url')}`;
  readonly #https: HttpsServer;
  #grpc: Server;
  readonly #serverIdentity: { certificate: string; key: string };
  #linkPort = 0;
  #stream: Stream | undefined;
  #deviceKey: KeyObject | undefined;

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
        let text = '';
        request.setEncoding('utf8');
        request.on('data', (chunk: string) => {
          text += chunk;
        });
        request.on('end', () => {
          // The server made this socket itself, with TLS.
          const socket = request.socket as TLSSocket;
          void this.#answer(request.url ?? '', JSON.parse(text), socket).then(([code, body]) => {
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

  async #answer(url: string, body: Record<string, unknown>, socket: TLSSocket): Promise<[number, unknown]> {
    const csr = String(body.csr);
    const issued = async () => ({
      certificate: await this.authority.issueDevice(
        csr,
        this.organisation,
        this.device,
        this.certificateLifeMs,
      ),
      ca: this.authority.rootPem,
      renewAfter: new Date(Date.now() + (this.certificateLifeMs * 2) / 3).toISOString(),
    });
    if (url === '/v1/renew') {
      if (socket.authorized) return [201, await issued()];
      return [401, { error: { code: 'device/certificate-missing', message: 'A certificate is needed.' } }];
    }
    this.tokensSeen.push(String(body.token));
    if (body.token !== this.token) {
      return [
        401,
        { error: { code: 'enrolment/token-unknown', message: 'Unknown.', hint: 'Create another.' } },
      ];
    }
    const answer = await issued();
    this.#deviceKey = createPublicKey(
      new X509Certificate(answer.certificate).publicKey.export({ type: 'spki', format: 'pem' }),
    );
    return [
      201,
      {
        ...answer,
        device: this.device,
        organisation: { id: this.organisation, name: 'Test organisation' },
        policyKeys: [{ keyId: this.signer.keyId, publicKey: this.signer.publicKey }],
        link: { host: '127.0.0.1', port: this.#linkPort },
      },
    ];
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

  #append({ firstSeq, entries, chainHead, signature }: Extract<Body, { $case: 'events' }>['value']): void {
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
  }

  #acknowledge(stream: Stream): void {
    const value = { durableThroughSeq: BigInt(this.head.seq), head: Buffer.from(this.head.hash, 'hex') };
    stream.write({ body: { $case: 'eventAck', value } });
  }
}
