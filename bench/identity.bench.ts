/**
 * Who is it, and what may it use: enrolments, TLS handshakes with a TPM's key, the program behind a connection, and
 * sealed keys, each against a floor.
 */
import { measureCallerLookup } from './lib/caller-lookup.ts';
import { BenchControlPlane } from './lib/control-plane.ts';
import type { EnrolMethods } from './lib/enrol.remote.ts';
import { measureHandshakes } from './lib/handshake.ts';
import { Remote } from './lib/remote.ts';
import { percentile, printResult, printTable } from './lib/report.ts';
import { measureSealedKeys } from './lib/sealed-key.ts';

const DEVICES = 300;
const WARM_UP = 30;
const CONCURRENCY = 8;

interface EnrolTimes {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Attested enrolments and enrolments with a key in a file, in turns, by another process. */
async function measureEnrolments(): Promise<Record<'tpm' | 'software', EnrolTimes>> {
  const controlPlane = await BenchControlPlane.start();
  const devices = await Remote.start<EnrolMethods>(new URL('lib/enrol.remote.ts', import.meta.url));
  try {
    const token = await controlPlane.administrator.enrolmentToken(2 * (DEVICES + WARM_UP));
    const enrol = (kind: 'tpm' | 'software', count: number) =>
      devices.call('enrol', {
        server: controlPlane.enrolmentServer,
        token,
        kind,
        devices: count,
        concurrency: CONCURRENCY,
      });
    for (const kind of ['tpm', 'software'] as const) await enrol(kind, WARM_UP);
    const measured = { tpm: await enrol('tpm', DEVICES), software: await enrol('software', DEVICES) };
    const summary = ({ eachMs, totalMs }: { eachMs: Float64Array; totalMs: number }) => ({
      perSecond: (1_000 * DEVICES) / totalMs,
      p50Ms: percentile([...eachMs], 0.5),
      p99Ms: percentile([...eachMs], 0.99),
    });
    return { tpm: summary(measured.tpm), software: summary(measured.software) };
  } finally {
    await devices.stop();
    await controlPlane.stop();
  }
}

const enrolments = await measureEnrolments();
const handshakes = await measureHandshakes();
const callers = await measureCallerLookup();
const sealedKeys = await measureSealedKeys();

printTable(
  [`enrolment, ${CONCURRENCY} at once`, 'per second', 'p50 ms', 'p99 ms'],
  [
    [
      'attested by a TPM (two requests)',
      enrolments.tpm.perSecond,
      enrolments.tpm.p50Ms,
      enrolments.tpm.p99Ms,
    ],
    [
      'floor (key in a file, one request)',
      enrolments.software.perSecond,
      enrolments.software.p50Ms,
      enrolments.software.p99Ms,
    ],
  ],
);
if (typeof handshakes === 'string') console.log(`  TLS handshakes with a TPM's key: ${handshakes}`);
else {
  printTable(
    ['mutual TLS 1.3 handshake', 'p50 ms', 'p99 ms'],
    [
      ['key in a software TPM', handshakes.tpm.p50Ms, handshakes.tpm.p99Ms],
      ['floor (key in a file)', handshakes.software.p50Ms, handshakes.software.p99Ms],
    ],
  );
}

printTable(
  [`caller, ${callers.sockets} sockets open`, 'p50 µs', 'p99 µs'],
  [
    ['look-up, connection seen before', callers.known.p50Us, callers.known.p99Us],
    ['look-up, connection just opened', callers.fresh.p50Us, callers.fresh.p99Us],
    ['floor (one netlink question)', callers.floor.p50Us, callers.floor.p99Us],
    ['peer (/proc/net/tcp and all of /proc)', callers.peer.p50Us, callers.peer.p99Us],
  ],
);
console.log(`
  One process holds 2,000 of the sockets and opens the new ones; four others hold 50 each.
`);
printTable(
  ['sealed key, opened for each request', 'p50 µs', 'p99 µs'],
  [
    ['taken from the vault (store, HPKE)', sealedKeys.taken.p50Us, sealedKeys.taken.p99Us],
    ['floor (one AES-256-GCM decryption)', sealedKeys.floor.p50Us, sealedKeys.floor.p99Us],
  ],
);
printResult({
  bench: 'identity',
  figures: {
    enrolments_per_second: enrolments.tpm.perSecond,
    enrolment_p50_ms: enrolments.tpm.p50Ms,
    enrolment_p99_ms: enrolments.tpm.p99Ms,
    software_enrolments_per_second: enrolments.software.perSecond,
    ...(typeof handshakes === 'string'
      ? {}
      : {
          handshake_p50_ms: handshakes.tpm.p50Ms,
          handshake_p99_ms: handshakes.tpm.p99Ms,
          software_handshake_p50_ms: handshakes.software.p50Ms,
        }),
    caller_sockets: callers.sockets,
    caller_known_p50_us: callers.known.p50Us,
    caller_known_p99_us: callers.known.p99Us,
    caller_new_p50_us: callers.fresh.p50Us,
    caller_new_p99_us: callers.fresh.p99Us,
    caller_floor_p50_us: callers.floor.p50Us,
    caller_floor_p99_us: callers.floor.p99Us,
    caller_peer_p50_us: callers.peer.p50Us,
    caller_peer_p99_us: callers.peer.p99Us,
    sealed_key_p50_us: sealedKeys.taken.p50Us,
    sealed_key_p99_us: sealedKeys.taken.p99Us,
    sealed_key_floor_p50_us: sealedKeys.floor.p50Us,
  },
  ratios: {
    enrolments_per_second_vs_software: enrolments.tpm.perSecond / enrolments.software.perSecond,
    ...(typeof handshakes === 'string'
      ? {}
      : { handshake_p50_vs_software: handshakes.tpm.p50Ms / handshakes.software.p50Ms }),
    caller_known_p50_vs_floor: callers.known.p50Us / callers.floor.p50Us,
    caller_new_p50_vs_floor: callers.fresh.p50Us / callers.floor.p50Us,
    caller_new_p99_vs_peer: callers.fresh.p99Us / callers.peer.p99Us,
    sealed_key_p50_vs_floor: sealedKeys.taken.p50Us / sealedKeys.floor.p50Us,
  },
});
