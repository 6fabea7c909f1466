import type {
  CreatedEnrolmentToken,
  Device,
  FreezeWithRollout,
  PolicyRevision,
  Rollout,
  RolloutDevice,
} from '@raypher/shared/rest';
import { preciseNowMs } from '@raypher/swarm';
import type { z } from 'zod';

const PAGE = 500;

/** A REST answer, and when the request for it began (milliseconds since the epoch). */
export interface Timed<T> {
  beganMs: number;
  answer: T;
}

export interface Account {
  organisation: string;
  email: string;
  password: string;
}

/** An administrator at the REST side of a control plane. */
export class Administrator {
  readonly #urls: { api: string; web: string };
  readonly #organisation: string;
  readonly #cookie: string;

  private constructor(urls: { api: string; web: string }, organisation: string, cookie: string) {
    this.#urls = urls;
    this.#organisation = organisation;
    this.#cookie = cookie;
  }

  /** @param urls origins: where the API answers, and the one that browsers would come from */
  static async signIn(
    urls: { api: string; web: string },
    { organisation, email, password }: Account,
  ): Promise<Administrator> {
    const response = await fetch(`${urls.api}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: urls.web },
      body: JSON.stringify({ email, password }),
    });
    if (!response.ok)
      throw new Error(`The administrator cannot sign in: ${response.status} ${await response.text()}`);
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';', 1)[0])
      .join('; ');
    return new Administrator(urls, organisation, cookie);
  }

  /** What a browser of theirs sends. */
  get browserHeaders(): Record<string, string> {
    return { cookie: this.#cookie, origin: this.#urls.web };
  }

  async enrolmentToken(devices: number): Promise<string> {
    const created = await this.post<z.infer<typeof CreatedEnrolmentToken>>('/v1/enrolment-tokens', {
      name: 'Simulated devices',
      maxUses: devices,
    });
    return created.answer.token;
  }

  /** Deploys a small policy that differs from the running one. */
  async deploy(round: number): Promise<Timed<Rollout>> {
    const { revision: basedOn } = await this.get<PolicyRevision>('/v1/policies/running');
    return this.post<Rollout>('/v1/policies/deploy', {
      documents: [{ layer: 'global', source: policySource(round) }],
      basedOn,
      reason: 'Measuring',
      confirm: this.#organisation,
    });
  }

  freezeAll(): Promise<Timed<z.infer<typeof FreezeWithRollout>>> {
    return this.post('/v1/freezes', {
      selector: { kind: 'all' },
      reason: 'Measuring',
      confirm: this.#organisation,
    });
  }

  thaw(freeze: string): Promise<Timed<z.infer<typeof FreezeWithRollout>>> {
    return this.post(`/v1/freezes/${freeze}/thaw`, { reason: 'Measuring' });
  }

  rollout(id: string): Promise<Rollout> {
    return this.get<Rollout>(`/v1/rollouts/${id}`);
  }

  rolloutDevices(id: string): Promise<RolloutDevice[]> {
    return this.getAll<RolloutDevice>(`/v1/rollouts/${id}/devices?`);
  }

  devices(): Promise<Device[]> {
    return this.getAll<Device>('/v1/devices?');
  }

  /** All pages of a list; `path` ends with `?` or `&`. */
  async getAll<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = `limit=${PAGE}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: { items: T[]; next: string | null } = await this.get(`${path}${query}`);
      items.push(...page.items);
      cursor = page.next;
    }
    return items;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#request<T>('GET', path)).answer;
  }

  post<T>(path: string, body: unknown): Promise<Timed<T>> {
    return this.#request<T>('POST', path, body);
  }

  async #request<T>(method: string, path: string, body?: unknown): Promise<Timed<T>> {
    const beganMs = preciseNowMs();
    const response = await fetch(this.#urls.api + path, {
      method,
      headers: { 'content-type': 'application/json', ...this.browserHeaders },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    // The server answers what packages/shared/src/rest says; whoever measures does not check that.
    return { beganMs, answer: JSON.parse(text) as T };
  }
}

function policySource(round: number): string {
  return `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: bench-${round}
      effect: deny
      destinations: ['*.bench-${round}.example']
      reason: Round ${round} of a measurement.
`;
}
