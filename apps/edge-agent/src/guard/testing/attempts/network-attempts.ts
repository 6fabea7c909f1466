import { createSocket } from 'node:dgram';
import { closeSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { placeInMemory, rawSystemCall } from '../../../native/raw-system-call.ts';
import { type Attempt, NotHere } from '../attempt-definition.ts';
import type { Sinks, Stage } from '../stage.ts';
import { IO_URING_OPERATIONS, submit } from './io-uring.ts';

const FAMILY = { inet: 2, inet6: 10, packet: 17, vsock: 40 } as const;
const KIND = { stream: 1, datagram: 2, raw: 3 } as const;
const ICMP = 1;
const PING_GROUPS = '/proc/sys/net/ipv4/ping_group_range';
const MSG_FASTOPEN = 0x20000000;
const NOT_SUPPORTED = [93, 94, 97];
const PATIENCE_MS = 5000;

/** Reaching what is not permitted. Whether something arrived the receivers know: see `Sinks`. */
const SENDING: readonly Omit<Attempt, 'stoppedBy'>[] = [
  {
    id: 'connect',
    tries: 'connect to a destination that is not permitted and send the secret',
    attempt: (stage) => sendByTcp(stage, sinksOf(stage).address),
  },
  {
    id: 'connect-mapped',
    tries: 'connect to it as an IPv4 address within IPv6 (::ffff:…)',
    attempt: (stage) => sendByTcp(stage, `::ffff:${sinksOf(stage).address}`),
  },
  {
    id: 'send-with-fast-open',
    tries: 'send data with the first packet, without connect() (MSG_FASTOPEN)',
    attempt: (stage) => sendRaw(stage, KIND.stream, sinksOf(stage).tcpPort, MSG_FASTOPEN),
  },
  {
    id: 'io-uring-connect',
    tries: 'have io_uring connect',
    attempt: (stage) => {
      const { address, tcpPort } = sinksOf(stage);
      const socket = openSocket(FAMILY.inet, KIND.stream, 0);
      try {
        const place = placeInMemory(socketAddress(address, tcpPort));
        submit({ operation: IO_URING_OPERATIONS.connect, fd: socket, address: place, offset: 16n });
      } finally {
        closeSync(socket);
      }
    },
  },
  {
    id: 'send-datagram',
    tries: 'send a UDP datagram',
    attempt: (stage) => sendRaw(stage, KIND.datagram, sinksOf(stage).udpPort, 0),
  },
  {
    id: 'send-on-connected-datagram-socket',
    tries: 'connect a UDP socket, then send',
    attempt: (stage) => sendConnected(stage, sinksOf(stage).udpPort),
  },
  {
    id: 'quic',
    tries: 'speak QUIC (UDP port 443)',
    attempt: (stage) => {
      if (sinksOf(stage).quic !== true) throw new NotHere('port 443 is not to be had for a receiver');
      sendRaw(stage, KIND.datagram, 443, 0);
    },
  },
  {
    id: 'packet-socket',
    tries: 'write frames to the wire itself (AF_PACKET)',
    attempt: () => closeSync(openSocket(FAMILY.packet, KIND.raw, 0x0300)),
  },
  {
    id: 'raw-socket',
    tries: 'write IP packets itself (SOCK_RAW)',
    attempt: (stage) => sendRaw(stage, KIND.raw, 0, 0, ICMP),
  },
  {
    id: 'ping-socket',
    tries: 'carry data in pings (ICMP datagram socket)',
    attempt: () => {
      const [from = 1, to = 0] = readFileSync(PING_GROUPS, 'utf8').trim().split(/\s+/).map(Number);
      if (from > to) throw new NotHere('nobody may on this machine (ping_group_range)');
      closeSync(openSocket(FAMILY.inet, KIND.datagram, ICMP));
    },
  },
  {
    id: 'host-socket',
    tries: 'reach the host of a virtual machine (AF_VSOCK)',
    attempt: () => closeSync(openSocket(FAMILY.vsock, KIND.stream, 0)),
  },
];

const NAMES: readonly Omit<Attempt, 'stoppedBy'>[] = [
  {
    id: 'dns-tunnel',
    tries: 'carry the secret out in the names it asks a resolver of its own for',
    attempt: (stage) => {
      if (sinksOf(stage).dns !== true) throw new NotHere('port 53 is not to be had for a receiver');
      return new Promise<void>((resolve, reject) => {
        const socket = createSocket('udp4');
        socket.send(questionFor(stage.marker), 53, sinksOf(stage).address, (error) => {
          socket.close();
          if (error === null) resolve();
          else reject(error);
        });
      });
    },
  },
];

export const NETWORK_ATTEMPTS: readonly Attempt[] = [
  ...SENDING.map((attempt): Attempt => ({ ...attempt, stoppedBy: 'kernel.network' })),
  ...NAMES.map((attempt): Attempt => ({ ...attempt, stoppedBy: 'kernel.names' })),
];

function sinksOf(stage: Stage): Sinks {
  if (stage.sinks === undefined) throw new NotHere('there is no receiver on this stage');
  return stage.sinks;
}

function sendByTcp(stage: Stage, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: sinksOf(stage).tcpPort, timeout: PATIENCE_MS }, () => {
      socket.end(stage.marker, () => resolve());
    });
    socket.once('error', reject);
    socket.once('timeout', () => {
      socket.destroy();
      reject(Object.assign(new Error('EACCES: no answer'), { code: 'EACCES' }));
    });
  });
}

function sendRaw(stage: Stage, kind: number, port: number, flags: number, protocol = 0): void {
  const socket = openSocket(FAMILY.inet, kind, protocol);
  const [text, to] = [Buffer.from(stage.marker), socketAddress(sinksOf(stage).address, port)];
  try {
    rawSystemCall('sendto', socket, text, text.length, flags, to, to.length);
  } finally {
    closeSync(socket);
  }
}

function sendConnected(stage: Stage, port: number): void {
  const socket = openSocket(FAMILY.inet, KIND.datagram, 0);
  const [text, to] = [Buffer.from(stage.marker), socketAddress(sinksOf(stage).address, port)];
  try {
    rawSystemCall('connect', socket, to, to.length);
    rawSystemCall('sendto', socket, text, text.length, 0, null, 0);
  } finally {
    closeSync(socket);
  }
}

function openSocket(family: number, kind: number, protocol: number): number {
  try {
    return Number(rawSystemCall('socket', family, kind, protocol));
  } catch (error) {
    if (error instanceof Error && 'errno' in error && NOT_SUPPORTED.includes(Number(error.errno))) {
      throw new NotHere('this kernel has no such sockets');
    }
    throw error;
  }
}

/** struct sockaddr_in */
function socketAddress(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(FAMILY.inet, 0);
  bytes.writeUInt16BE(port, 2);
  Buffer.from(address.split('.').map(Number)).copy(bytes, 4);
  return bytes;
}

/** A question for the address of MARKER.example, RFC 1035 §4. */
function questionFor(label: string): Buffer {
  const header = Buffer.from('000101000001000000000000', 'hex');
  const parts = [label, 'example'].map((part) =>
    Buffer.concat([Buffer.from([part.length]), Buffer.from(part)]),
  );
  return Buffer.concat([header, ...parts, Buffer.from('0000010001', 'hex')]);
}
