import { DATABASE_ROLES } from '@raypher/database';
import { layout } from '../../infra/local/paths.mjs';
import type { Supervised } from '../../infra/local/stack/supervise.mjs';
import { type Stack, startStack } from '../../infra/local/stack.mjs';
import { loadSecrets } from '../../infra/local/state/secrets.mjs';
import { Administrator } from './administrator.ts';

/** What the stack gives the link; setting NODE_OPTIONS here replaces it. */
const LINK_NODE_OPTIONS = '--max-semi-space-size=64';

export interface ControlPlaneOptions {
  /** Options for the Node of both roles, and more for that of the link. */
  nodeOptions?: string;
  linkNodeOptions?: string;
  /** Streams the link admits per second. */
  admissionsPerSecond?: number;
  /** Further settings of the link role. */
  linkEnvironment?: Record<string, string>;
  /** Processes of the link, behind a balancer. */
  ingestors?: number;
  /** Data is flushed to the disk as in an installation that is kept. */
  durable?: boolean;
}

/** The whole product on free ports in a temporary folder, and an administrator at its REST side. */
export class BenchControlPlane {
  readonly administrator: Administrator;
  readonly #stack: Stack;

  private constructor(stack: Stack, administrator: Administrator) {
    this.#stack = stack;
    this.administrator = administrator;
  }

  static async start(options: ControlPlaneOptions = {}) {
    const { nodeOptions = '', linkNodeOptions = '', admissionsPerSecond = 500, durable = false } = options;
    const administrator = {
      organisation: 'Bench',
      email: 'bench@example.com',
      password: crypto.randomUUID(),
    };
    const stack = await startStack({
      agent: false,
      web: false,
      durable,
      ingestors: options.ingestors ?? 1,
      administrator,
      env: {
        link: {
          RAYPHER_LOG_LEVEL: 'warn',
          RAYPHER_LINK_ADMISSIONS_PER_SECOND: String(admissionsPerSecond),
          NODE_OPTIONS: `${LINK_NODE_OPTIONS} ${nodeOptions} ${linkNodeOptions}`,
          ...options.linkEnvironment,
        },
        api: { RAYPHER_LOG_LEVEL: 'warn', NODE_OPTIONS: nodeOptions },
      },
    });
    try {
      return new BenchControlPlane(stack, await Administrator.signIn(stack.urls, administrator));
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  get enrolmentServer(): string {
    return this.#stack.urls.enrolment;
  }

  get linkPid(): number {
    return this.pidOf('link');
  }

  /** Of one of its processes. */
  pidOf(name: 'api' | 'link' | 'postgres' | 'redis'): number {
    const { pid } = this.#stack.process(name);
    if (pid === undefined) throw new Error(`The process ${name} is not running.`);
    return pid;
  }

  /** Where the port of Postgres is, and the passwords of both servers. */
  get data(): { dataDir: string; postgresPort: number; redisPort: number; linkPort: number } {
    const { dataDir, ports } = this.#stack;
    return { dataDir, postgresPort: ports.postgres, redisPort: ports.redis, linkPort: ports.link };
  }

  /** The processes of the link. */
  get links(): Supervised[] {
    return this.#stack.links.map(({ name }) => this.#stack.process(name));
  }

  get apiUrl(): string {
    return this.#stack.urls.api;
  }

  async redisUrl(): Promise<string> {
    const { redis } = await loadSecrets(layout(this.#stack.dataDir).secrets);
    return `redis://:${encodeURIComponent(redis)}@127.0.0.1:${this.#stack.ports.redis}`;
  }

  /** Connection URLs: of the database's superuser, and of the role that the link writes with. */
  async databaseUrls(): Promise<{ admin: string; ingest: string }> {
    const { secrets } = layout(this.#stack.dataDir);
    const { postgres, roles } = await loadSecrets(secrets);
    const url = (user: string, password: string) =>
      `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${this.#stack.ports.postgres}/raypher`;
    return { admin: url('postgres', postgres), ingest: url(DATABASE_ROLES.ingest, roles.ingest) };
  }

  stop(): Promise<void> {
    return this.#stack.stop();
  }
}
