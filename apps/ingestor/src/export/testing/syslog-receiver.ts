import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type ReceiverIdentity, receiverIdentity } from './receiver-identity.ts';

export interface SyslogMessage {
  priority: number;
  time: string;
  host: string;
  app: string;
  id: string;
  message: string;
}

/** RFC 5424 §6 with the nil value for PROCID and STRUCTURED-DATA. */
const MESSAGE =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) - ([\x21-\x7e]{1,32}) - (.*)$/s;

/** A syslog server over TLS that takes octet counting and RFC 5424 literally (RFC 5425 §4.3), and nothing else. */
export class SyslogReceiver extends EventEmitter<{ ended: [] }> {
  readonly messages: SyslogMessage[] = [];
  readonly faults: string[] = [];
  /** Subjects of client certificates. */
  readonly clients: (string | undefined)[] = [];
  /** Connections to be broken off once so many messages of theirs were read. */
  readonly breakAfter: number[] = [];

  private constructor(
    private readonly server: Server,
    readonly identity: ReceiverIdentity,
  ) {
    super();
  }

  static async start(options: { clientCa?: string } = {}): Promise<SyslogReceiver> {
    const identity = await receiverIdentity();
    const { clientCa } = options;
    const server = createServer({
      cert: identity.cert,
      key: identity.key,
      ...(clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: clientCa }),
    });
    const receiver = new SyslogReceiver(server, identity);
    server.on('secureConnection', (socket) => receiver.#take(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get address(): string {
    // It listens on TCP, so its address is an AddressInfo.
    return `siem.example:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }

  #take(socket: TLSSocket): void {
    const most = this.breakAfter.shift() ?? Number.POSITIVE_INFINITY;
    const subject = socket.getPeerCertificate().subject?.CN;
    this.clients.push(Array.isArray(subject) ? subject[0] : subject);
    let pending = Buffer.alloc(0);
    let read = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const space = pending.indexOf(0x20);
        if (space === -1) return;
        const count = pending.subarray(0, space).toString('ascii');
        if (!/^[1-9]\d{0,8}$/.test(count)) return this.#fault(socket, `not a length: ${count}`);
        const end = space + 1 + Number(count);
        if (pending.length < end) return;
        this.#parse(pending.subarray(space + 1, end).toString('utf8'));
        pending = pending.subarray(end);
        read += 1;
        if (read >= most) {
          // What is unread makes it a reset.
          socket.destroy();
          return;
        }
      }
    });
    socket.on('end', () => {
      if (pending.length > 0) this.faults.push('ended inside a message');
      this.emit('ended');
    });
  }

  #fault(socket: TLSSocket, fault: string): void {
    this.faults.push(fault);
    socket.destroy();
  }

  #parse(text: string): void {
    const [whole, priority, time = '', host = '', app = '', id = '', message = ''] = MESSAGE.exec(text) ?? [];
    if (whole === undefined) this.faults.push(text.slice(0, 80));
    else this.messages.push({ priority: Number(priority), time, host, app, id, message });
  }
}
