import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createSecureContext, createServer, type SecureContext } from 'node:tls';
import type { DeviceId, OrganisationId } from '@raypher/shared';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import type { KeyProvider } from '../../apps/edge-agent/src/identity/key-provider.ts';
import { SoftwareKeyProvider } from '../../apps/edge-agent/src/identity/software-key-provider.ts';
import { TpmKeyProvider } from '../../apps/edge-agent/src/identity/tpm/tpm-key-provider.ts';
import { TestAuthority } from '../../apps/edge-agent/src/testing/test-authority.ts';
import { percentile } from './report.ts';

const ROUNDS = 300;
const WARM_UP = 20;
// Only written into certificates.
const ORGANISATION = '0198a0de-0000-7000-8000-000000000001' as OrganisationId;
const DEVICE = '0198a0de-0000-7000-8000-000000000002' as DeviceId;

export interface HandshakeTimes {
  p50Ms: number;
  p99Ms: number;
}

export interface HandshakeOutcome {
  tpm: HandshakeTimes;
  /** The same handshake with a key in a file. */
  software: HandshakeTimes;
}

/** Whole mutual TLS 1.3 handshakes, server included, with a key in a software TPM and with one in a file, in turns. */
export async function measureHandshakes(): Promise<HandshakeOutcome | string> {
  if (tpmUnavailable !== undefined) return tpmUnavailable;
  const folder = mkdtempSync(join(tmpdir(), 'raypher-handshake-'));
  const chip = await TestTpm.start();
  const authority = await TestAuthority.create();
  const tpm = await TpmKeyProvider.create(join(folder, 'tpm.json'), chip.tcti);
  const software = await SoftwareKeyProvider.open(join(folder, 'device.key'));
  const issued = await authority.issueServer();
  const server = createServer(
    {
      cert: issued.certificate,
      key: issued.key,
      ca: authority.rootPem,
      requestCert: true,
      minVersion: 'TLSv1.3',
    },
    (socket) => socket.end(),
  );
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A TCP server has an address with a port.
    const { port } = server.address() as AddressInfo;
    const contextOf = async (keys: KeyProvider) =>
      createSecureContext(
        keys.tlsIdentity(
          await authority.issueDevice(await keys.createCsr(), ORGANISATION, DEVICE),
          authority.rootPem,
        ),
      );
    const contexts = { tpm: await contextOf(tpm), software: await contextOf(software) };
    const times = { tpm: [] as number[], software: [] as number[] };
    for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
      for (const kind of ['tpm', 'software'] as const) {
        const ms = await handshake(port, contexts[kind]);
        if (round >= WARM_UP) times[kind].push(ms);
      }
    }
    return { tpm: summary(times.tpm), software: summary(times.software) };
  } finally {
    server.close();
    tpm.close();
    await chip.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function handshake(port: number, secureContext: SecureContext): Promise<number> {
  const beganMs = performance.now();
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', secureContext });
  await once(socket, 'secureConnect');
  const ms = performance.now() - beganMs;
  // With TLS 1.3 the client is done before the server has checked its certificate: only the end says that it was taken.
  socket.resume();
  await once(socket, 'close');
  return ms;
}

function summary(times: number[]): HandshakeTimes {
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}
