import type {
  CreatedEnrolmentToken,
  FreezeWithRollout,
  PolicyRevision,
  Rollout,
  RolloutDevice,
} from '@raypher/shared/rest';
import { preciseNowMs } from '@raypher/swarm';
import type { z } from 'zod';
import { type Stack, startStack } from '../../infra/local/stack.mjs';

const ORGANISATION = 'Bench';
const PAGE = 500;

/** A REST answer, and when the request for it began (milliseconds since the epoch). */
export interface Timed<T> {
  beganMs: number;
  answer: T;
}

export interface ControlPlaneOptions {
  /** Options for the Node of both roles, and more for that of the link. */
  nodeOptions?: string;
  linkNodeOptions?: string;
  /** Streams the link admits per second. */
  admissionsPerSecond?: number;
}

/** The whole product on free ports in a temporary folder, and an administrator at its REST side. */
export class BenchControlPlane {
  readonly #stack: Stack;
  readonly #cookie: string;

  private constructor(stack: Stack, cookie: string) {
    this.#stack = stack;
    this.#cookie = cookie;
  }

  static async start(options: ControlPlaneOptions = {}) {
    const { nodeOptions = '', linkNodeOptions = '', admissionsPerSecond = 500 } = options;
    const administrator = {
      organisation: ORGANISATION,
      email: 'bench@example.com',
      password: crypto.randomUUID(),
    };
    const stack = await startStack({
      agent: false,
      web: false,
      administrator,
      env: {
        link: {
          RAYPHER_LOG_LEVEL: 'warn',
          RAYPHER_LINK_ADMISSIONS_PER_SECOND: String(admissionsPerSecond),
          NODE_OPTIONS: `${nodeOptions} ${linkNodeOptions}`,
        },
        api: { RAYPHER_LOG_LEVEL: 'warn', NODE_OPTIONS: nodeOptions },
      },
    });
    try {
      return new BenchControlPlane(stack, await signIn(stack, administrator));
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  get enrolmentServer(): string {
    return this.#stack.urls.enrolment;
  }

  get linkPid(): number {
    const { pid } = this.#stack.process('link');
    if (pid === undefined) throw new Error('The link process is not running.');
    return pid;
  }

  async enrolmentToken(devices: number): Promise<string> {
    const created = await this.#post<z.infer<typeof CreatedEnrolmentToken>>('/v1/enrolment-tokens', {
      name: 'Bench',
      maxUses: devices,
    });
    return created.answer.token;
  }

  /** Deploys a small policy that differs from the running one. */
  async deploy(round: number): Promise<Timed<Rollout>> {
    const { revision: basedOn } = await this.#get<PolicyRevision>('/v1/policies/running');
    return this.#post<Rollout>('/v1/policies/deploy', {
      documents: [{ layer: 'global', source: policySource(round) }],
      basedOn,
      reason: 'Measuring',
      confirm: ORGANISATION,
    });
  }

  async freezeAll(): Promise<Timed<z.infer<typeof FreezeWithRollout>>> {
    return this.#post('/v1/freezes', {
      selector: { kind: 'all' },
      reason: 'Measuring',
      confirm: ORGANISATION,
    });
  }

  async thaw(freeze: string): Promise<Timed<z.infer<typeof FreezeWithRollout>>> {
    return this.#post(`/v1/freezes/${freeze}/thaw`, { reason: 'Measuring' });
  }

  rollout(id: string): Promise<Rollout> {
    return this.#get<Rollout>(`/v1/rollouts/${id}`);
  }

  async rolloutDevices(id: string): Promise<RolloutDevice[]> {
    const devices: RolloutDevice[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = `limit=${PAGE}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: { items: RolloutDevice[]; next: string | null } = await this.#get(
        `/v1/rollouts/${id}/devices?${query}`,
      );
      devices.push(...page.items);
      cursor = page.next;
    }
    return devices;
  }

  stop(): Promise<void> {
    return this.#stack.stop();
  }

  async #get<T>(path: string): Promise<T> {
    return (await this.#request<T>('GET', path)).answer;
  }

  #post<T>(path: string, body: unknown): Promise<Timed<T>> {
    return this.#request<T>('POST', path, body);
  }

  async #request<T>(method: string, path: string, body?: unknown): Promise<Timed<T>> {
    const beganMs = preciseNowMs();
    const response = await fetch(this.#stack.urls.api + path, {
      method,
      headers: { 'content-type': 'application/json', cookie: this.#cookie, origin: this.#stack.urls.web },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    // The server answers what packages/shared/src/rest says; a bench measures, it does not check that.
    return { beganMs, answer: JSON.parse(text) as T };
  }
}

async function signIn(
  stack: Stack,
  { email, password }: { email: string; password: string },
): Promise<string> {
  const response = await fetch(`${stack.urls.api}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: stack.urls.web },
    body: JSON.stringify({ email, password }),
  });
  if (!response.ok)
    throw new Error(`The administrator cannot sign in: ${response.status} ${await response.text()}`);
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
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
