import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { openLink } from '@raypher/link-client';
import {
  type AgentMessage,
  ControlMessage,
  type DeviceId,
  Hello,
  joinFrames,
  LINK_SUBPROTOCOL,
  LinkService,
  type LinkTransport,
  type OrganisationId,
} from '@raypher/shared';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { type EngineKey, registerEngineKey } from '../../native/openssl-engine.ts';
import { TestAuthority } from '../../testing/test-authority.ts';
import { writePrivateFile } from '../private-file.ts';
import { TpmKeyProvider } from './tpm-key-provider.ts';

// Ids of the test, which are only written into a certificate.
const organisation = '0198a0de-0000-7000-8000-000000000001' as OrganisationId;
const device = '0198a0de-0000-7000-8000-000000000002' as DeviceId;

describe.skipIf(tpmUnavailable)(
  `the link of a device whose key is in a TPM ${tpmUnavailable ?? ''}`,
  { timeout: 30_000 },
  () => {
    let authority: TestAuthority;
    let server: Server;
    let port: number;
    let https: HttpsServer;
    let httpPort: number;
    let folder: string;
    let chip: TestTpm;
    let provider: TpmKeyProvider;
    let certificate: string;
    /** Common names of those who got through. */
    const greeted: unknown[] = [];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'raypher-tpm-link-'));
      [authority, chip] = await Promise.all([TestAuthority.create(), TestTpm.start()]);
      provider = await TpmKeyProvider.create(join(folder, 'identity', 'tpm.json'), chip.tcti);
      certificate = await authority.issueDevice(await provider.createCsr(), organisation, device);
      writePrivateFile(join(folder, 'identity', 'enrolment.json'), JSON.stringify({ certificate }));
      await serve();
      await serveHttp();
    });
    beforeEach(() => greeted.splice(0));
    afterAll(async () => {
      server?.forceShutdown();
      https?.closeAllConnections();
      https?.close();
      provider?.close();
      await chip?.stop();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    });

    /** Greets every device that proves who it is. */
    async function serve(): Promise<void> {
      server = new Server();
      server.addService(LinkService, {
        connect: (stream: ServerDuplexStream<AgentMessage, ControlMessage>) => {
          greeted.push(stream.getAuthContext().sslPeerCertificate?.subject.CN);
          stream.write({ body: { $case: 'credit', value: { batches: 1 } } });
          stream.on('error', () => {});
        },
      });
      const own = await authority.issueServer();
      const pair = { cert_chain: Buffer.from(own.certificate), private_key: Buffer.from(own.key) };
      const credentials = ServerCredentials.createSsl(Buffer.from(authority.rootPem), [pair], true);
      const bound = Promise.withResolvers<number>();
      server.bindAsync('127.0.0.1:0', credentials, (error, at) =>
        error === null ? bound.resolve(at) : bound.reject(error),
      );
      port = await bound.promise;
    }

    /** The same greeting to whoever comes by WebSocket or long polling. */
    async function serveHttp(): Promise<void> {
      const own = await authority.issueServer();
      const greeting = ControlMessage.fromPartial({ body: { $case: 'credit', value: { batches: 1 } } });
      const frame = ControlMessage.encode(greeting).finish();
      const nameOf = ({ socket }: IncomingMessage) =>
        // An HTTPS server has TLS sockets.
        (socket as TLSSocket).getPeerCertificate().subject.CN;
      https = createServer(
        { cert: own.certificate, key: own.key, ca: authority.rootPem, requestCert: true },
        (request, response) => {
          request.resume();
          if (request.method === 'POST') {
            greeted.push(nameOf(request));
            response.writeHead(201).end(JSON.stringify({ session: 'x'.repeat(43) }));
          } else response.end(joinFrames([frame]));
        },
      );
      const upgrader = new WebSocketServer({ noServer: true, handleProtocols: () => LINK_SUBPROTOCOL });
      https.on('upgrade', (request, socket, head) =>
        upgrader.handleUpgrade(request, socket, head, (webSocket) => {
          greeted.push(nameOf(request));
          webSocket.send(frame);
        }),
      );
      https.listen(0, '127.0.0.1');
      await once(https, 'listening');
      // It listens on TCP.
      httpPort = (https.address() as AddressInfo).port;
    }

    /** Opens the agent's own line and waits for the greeting. @throws what the line ends with */
    async function connect(
      tls: SecureContextOptions = provider.tlsIdentity(certificate, authority.rootPem),
      transport: LinkTransport = 'grpc',
    ) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const target = { host: '127.0.0.1', port: transport === 'grpc' ? port : httpPort, tls };
      const line = openLink(transport, target, {
        message: resolve,
        ended: ({ reason }) => reject(new Error(reason)),
      });
      line.write({ body: { $case: 'hello', value: Hello.fromPartial({ deviceId: device }) } });
      await promise.finally(() => line.close());
    }

    /** How often TPM2_Sign (0x15d) was asked for. */
    function signatures(): number {
      return (
        chip
          .traffic()
          .toString('hex')
          .match(/8002.{8}0000015d/g)?.length ?? 0
      );
    }

    test('is opened by a signature of the TPM, one for each connection', async () => {
      const before = signatures();
      await connect();
      expect(signatures()).toBe(before + 1);
      await connect();
      expect(signatures()).toBe(before + 2);
      expect(greeted).toEqual([device, device]);
    });

    test.each(['websocket', 'long-poll'] as const)(
      'is opened by a signature of the TPM over %s too',
      async (transport) => {
        const before = signatures();
        await connect(undefined, transport);
        // Long polling keeps at most two connections.
        expect(signatures() - before).toBeGreaterThanOrEqual(1);
        expect(signatures() - before).toBeLessThanOrEqual(2);
        expect(greeted).toEqual([device]);
      },
    );

    test('leaves no private key anywhere: not in the data folder, not in what TLS is given', () => {
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) =>
        file.isFile(),
      );
      expect(files.map((file) => file.name).sort()).toEqual(['enrolment.json', 'tpm.json']);
      for (const file of files) {
        expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toMatch(/PRIVATE KEY/);
      }
      const tls = provider.tlsIdentity(certificate, authority.rootPem);
      expect(Object.keys(tls).sort()).toEqual([
        'ca',
        'cert',
        'minVersion',
        'privateKeyEngine',
        'privateKeyIdentifier',
      ]);
      const everything = inspect([provider, tls], { depth: Number.POSITIVE_INFINITY, showHidden: true });
      expect(everything).not.toMatch(/PRIVATE KEY|PrivateKeyObject/);
    });

    test('is opened again after the TPM lost its power, and not without it', async () => {
      await chip.powerCycle();
      await connect();
      await chip.powerOff();
      await expect(connect()).rejects.toThrowError(/No TPM answered/);
      await chip.powerCycle();
      await connect();
      expect(greeted).toEqual([device, device]);
    });

    test('is closed to a copy of the whole data folder on another TPM', async () => {
      const other = await TestTpm.start();
      const registered: EngineKey[] = [];
      try {
        await expect(
          TpmKeyProvider.open(join(folder, 'identity', 'tpm.json'), other.tcti),
        ).rejects.toThrowError(expect.objectContaining({ code: 'device/other-machine' }));
        // The thief puts an identity of their own TPM in its place and keeps the certificate.
        const copy = mkdtempSync(join(folder, 'copy-'));
        mkdirSync(join(copy, 'identity'), { mode: 0o700 });
        const theirs = await TpmKeyProvider.create(join(copy, 'identity', 'tpm.json'), other.tcti);
        expect(() =>
          openLink(
            'grpc',
            { host: '127.0.0.1', port, tls: theirs.tlsIdentity(certificate, authority.rootPem) },
            { message: () => undefined, ended: () => undefined },
          ),
        ).toThrowError(/key values mismatch/);
        // The thief has TLS believe that the certificate's key is theirs: their TPM still signs with another one.
        const disguise = registerEngineKey(provider.publicKey, () => otherSignature);
        registered.push(disguise);
        const otherSignature = await theirs.sign(Buffer.from('a handshake'));
        const tls = {
          ...theirs.tlsIdentity(certificate, authority.rootPem),
          privateKeyIdentifier: disguise.identifier,
        };
        await expect(connect(tls)).rejects.toThrowError();
        theirs.close();
        expect(greeted).toEqual([]);
      } finally {
        for (const key of registered) key[Symbol.dispose]();
        await other.stop();
      }
    });
  },
);
