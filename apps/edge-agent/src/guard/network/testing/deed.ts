/** What a governed program is told to do. */
export type Deed =
  | { kind: 'connect'; host: string; port: number; data?: string; ends?: boolean; localAddress?: string }
  /** Data in base64, also of the answer. */
  | {
      kind: 'datagram';
      host: string;
      port: number;
      data: string;
      connected: boolean;
      answers: boolean;
      stays?: boolean;
      localPort?: number;
    }
  | { kind: 'socket'; domain: number; type: number; protocol: number }
  | { kind: 'fast open'; host: string; port: number; data: string }
  | { kind: 'source route'; host: string; port: number; via: string }
  | { kind: 'many datagrams'; host: string; port: number; count: number }
  /** Header of IPv4 included, in base64. */
  | { kind: 'packet'; host: string; packet: string }
  | { kind: 'bound to a device'; host: string; port: number; device: string; sends: 'stream' | 'datagram' };

export type Outcome = { peer: string; answer: string } | { error: string };
