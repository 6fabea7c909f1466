import type { IncomingMessage, ServerResponse } from 'node:http';
import { joinFrames, LINK_SESSIONS_PATH, MAX_FRAME_BYTES, RaypherError, splitFrames } from '@raypher/shared';
import { provenCertificate } from './device-directory.service.ts';
import type { Line } from './line.ts';
import type { Peer } from './link-listener.ts';
import { LongPollLine } from './long-poll-line.ts';

/** One frame of the largest size, with its length. */
const MAX_BODY_BYTES = MAX_FRAME_BYTES + 8;
/** The one in use, and the one before it that nobody has missed yet. */
const SESSIONS_PER_CERTIFICATE = 2;
/** Answers with messages that may not have been read yet: an agent reads one before it asks again. */
const MOST_UNREAD = 4;

const ROUTE = new RegExp(`^${LINK_SESSIONS_PATH}(?:/(?<id>[\\w-]{43})(?:/(?<verb>send|receive))?)?$`);
const NUMBER = /^\d{1,15}$/;

/** The sessions of this process, and the requests that are for them. */
export class LongPollSessions {
  private readonly byId = new Map<string, LongPollLine>();
  /** By fingerprint of the certificate, oldest first. */
  private readonly byCertificate = new Map<string, LongPollLine[]>();
  /** By fingerprint: the request of which the body is being read. */
  private readonly reading = new Map<string, IncomingMessage>();
  /** By fingerprint: the answers with messages that are not sent to their end, oldest first. */
  private readonly unread = new Map<string, ServerResponse[]>();

  constructor(private readonly accept: (line: Line) => void) {}

  tick(now: number): void {
    for (const line of this.byId.values()) line.tick(now);
  }

  /**
   * @param peer whose certificate is one of ours
   * @throws RaypherError that the request is to be answered with
   */
  async answer(request: IncomingMessage, response: ServerResponse, peer: Peer): Promise<void> {
    const [pathname = '', query = ''] = (request.url ?? '').split('?', 2);
    const { id, verb } = ROUTE.exec(pathname)?.groups ?? {};
    const searchParams = new URLSearchParams(query);
    const { fingerprint } = provenCertificate(peer);
    switch (`${request.method} ${id === undefined ? pathname : (verb ?? 'session')}`) {
      case `POST ${LINK_SESSIONS_PATH}`: {
        const hello = await this.read(request, fingerprint);
        const session = this.open(peer, fingerprint, hello);
        response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ session }));
        return;
      }
      case 'POST send': {
        this.session(id, fingerprint);
        const seq = numberIn(searchParams, 'seq');
        const body = await this.read(request, fingerprint);
        // It may have ended meanwhile.
        await this.session(id, fingerprint).take(seq, splitFrames(body));
        response.writeHead(200).end();
        return;
      }
      case 'GET receive': {
        const line = this.session(id, fingerprint);
        const deliver = (frames: readonly Buffer[]) => {
          this.sending(response, fingerprint);
          response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(joinFrames(frames));
        };
        response.once('close', () => line.forget(deliver));
        line.receive(numberIn(searchParams, 'after'), deliver);
        return;
      }
      case 'DELETE session':
        this.session(id, fingerprint).hangUp();
        response.writeHead(200).end();
        return;
      default:
        throw new RaypherError('request/not-found', 'There is nothing here but the link.');
    }
  }

  private open(peer: Peer, fingerprint: Buffer, hello: Buffer): string {
    const key = fingerprint.toString('hex');
    const others = this.byCertificate.get(key) ?? [];
    while (others.length >= SESSIONS_PER_CERTIFICATE) others[0]?.hangUp();
    const line = new LongPollLine(peer);
    others.push(line);
    this.byCertificate.set(key, others);
    this.byId.set(line.id, line);
    line.onClosed(() => {
      this.byId.delete(line.id);
      others.splice(others.indexOf(line), 1);
      if (others.length === 0) this.byCertificate.delete(key);
    });
    this.accept(line);
    // Hello has the first number, so nothing can be missing before it; nobody waits for it to be answered, and later
    // requests may take its place in the queue.
    line.take(1, [hello]).catch(() => undefined);
    return line.id;
  }

  /** @throws RaypherError unless the session is here and was opened with this very certificate. */
  private session(id: string | undefined, fingerprint: Buffer): LongPollLine {
    const line = this.byId.get(id ?? '');
    if (line === undefined) {
      throw new RaypherError('link/session-elsewhere', 'This session is over, or another process has it.', {
        hint: 'Open a new one.',
      });
    }
    if (!line.belongsTo(fingerprint)) {
      throw new RaypherError('device/identity-mismatch', 'This session belongs to another certificate.');
    }
    return line;
  }

  /** What waits for a device is sent again until it says that it has it: who only asks must not have it kept each time. */
  private sending(response: ServerResponse, fingerprint: Buffer): void {
    const key = fingerprint.toString('hex');
    const unread = this.unread.get(key) ?? [];
    this.unread.set(key, unread);
    unread.push(response);
    if (unread.length > MOST_UNREAD) unread.shift()?.req.socket.destroy();
    response.once('close', () => {
      const at = unread.indexOf(response);
      if (at >= 0) unread.splice(at, 1);
      if (unread.length === 0 && this.unread.get(key) === unread) this.unread.delete(key);
    });
  }

  /** One body at a time for each certificate, the newest: a device that was cut off must not wait for its own past. */
  private async read(request: IncomingMessage, fingerprint: Buffer): Promise<Buffer> {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
    const key = fingerprint.toString('hex');
    this.reading.get(key)?.destroy();
    this.reading.set(key, request);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) throw tooLarge();
      }
    } finally {
      if (this.reading.get(key) === request) this.reading.delete(key);
    }
    return Buffer.concat(chunks);
  }
}

function tooLarge(): RaypherError {
  return new RaypherError('request/too-large', `A request may have at most ${MAX_BODY_BYTES} bytes.`);
}

function numberIn(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (!NUMBER.test(text)) throw new RaypherError('link/protocol', `The request needs a number "${name}".`);
  return Number(text);
}
