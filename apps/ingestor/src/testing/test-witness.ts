import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  cosignedBytes,
  encodeCosignature,
  formatSignatureLine,
  parseCheckpoint,
  type VerifierKey,
  verifierKey,
  verifyConsistency,
  verifyNote,
} from '@raypher/ledger';
import type { Witness } from '../ledger/anchors/witness.ts';

/** What a witness answers with. */
interface Answer {
  status: number;
  body?: string;
  type?: string;
}

/** A witness as c2sp.org/tlog-witness describes it, on loopback. */
export class TestWitness {
  /** What it cosigned last; empty: nothing. */
  latest: { size: number; root: Uint8Array } = { size: 0, root: new Uint8Array() };
  /** Requests that it has had. */
  requests = 0;
  /** Answers instead of it, once. */
  answersWith: Answer | undefined;

  private constructor(
    private readonly server: Server,
    private readonly key: VerifierKey,
    private readonly privateKey: KeyObject,
    private readonly log: VerifierKey,
  ) {}

  /** @param log the key whose checkpoints it takes */
  static async start(log: VerifierKey): Promise<TestWitness> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const key = verifierKey('witness.test/w1', 'cosignature', new Uint8Array(raw));
    const server = createServer(async (request, response) => {
      const {
        status,
        body = '',
        type = 'text/plain',
      } = witness.answer(await text(request), request.url ?? '');
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    const witness = new TestWitness(server, key, privateKey, log);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return witness;
  }

  get witness(): Witness {
    // It listens on TCP, so its address is an AddressInfo.
    const { port } = this.server.address() as AddressInfo;
    return { key: this.key, url: `http://127.0.0.1:${port}/submit` };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(body: string, path: string): Answer {
    this.requests += 1;
    const instead = this.answersWith;
    this.answersWith = undefined;
    if (instead !== undefined) return instead;
    const cut = body.indexOf('\n\n');
    const [old = '', ...hashes] = body.slice(0, cut).split('\n');
    const oldSize = /^old (0|[1-9]\d*)$/.exec(old)?.[1];
    if (path !== '/submit/add-checkpoint' || oldSize === undefined) return { status: 400 };
    return this.addCheckpoint(Number(oldSize), hashes, body.slice(cut + 2));
  }

  private addCheckpoint(oldSize: number, hashes: string[], note: string): Answer {
    let signed: string;
    try {
      signed = verifyNote(note, [this.log]).text;
    } catch {
      return { status: 403 };
    }
    const { size, root, origin } = parseCheckpoint(signed);
    if (origin !== this.log.name) return { status: 404 };
    if (oldSize > size) return { status: 400 };
    const { latest } = this;
    if (oldSize !== latest.size) return { status: 409, type: 'text/x.tlog.size', body: `${latest.size}\n` };
    const proof = hashes.map((hash) => new Uint8Array(Buffer.from(hash, 'base64')));
    const grows = { from: oldSize, to: size, proof, fromRoot: latest.root, toRoot: root };
    if (oldSize === 0 ? proof.length > 0 : !verifyConsistency(grows)) return { status: 422 };
    this.latest = { size, root };
    const time = Math.floor(Date.now() / 1000);
    const signature = encodeCosignature(time, sign(null, cosignedBytes(time, signed), this.privateKey));
    return { status: 200, body: formatSignatureLine({ ...this.key, signature }) };
  }
}
