/** Who is it: finding the program behind a connection, against one netlink question and against reading all of /proc. */
import { measureCallerLookup } from './lib/caller-lookup.ts';
import { printResult, printTable } from './lib/report.ts';

const callers = await measureCallerLookup();

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
printResult({
  bench: 'identity',
  figures: {
    caller_sockets: callers.sockets,
    caller_known_p50_us: callers.known.p50Us,
    caller_known_p99_us: callers.known.p99Us,
    caller_new_p50_us: callers.fresh.p50Us,
    caller_new_p99_us: callers.fresh.p99Us,
    caller_floor_p50_us: callers.floor.p50Us,
    caller_floor_p99_us: callers.floor.p99Us,
    caller_peer_p50_us: callers.peer.p50Us,
    caller_peer_p99_us: callers.peer.p99Us,
  },
  ratios: {
    caller_known_p50_vs_floor: callers.known.p50Us / callers.floor.p50Us,
    caller_new_p50_vs_floor: callers.fresh.p50Us / callers.floor.p50Us,
    caller_new_p99_vs_peer: callers.fresh.p99Us / callers.peer.p99Us,
  },
});
