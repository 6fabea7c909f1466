export interface TestAnswer {
  status: number;
  headers: Headers;
  /** Parsed JSON; tests look into it freely. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by asserting on it
  body: any;
}

/** A small HTTP client with fixed headers. */
export class TestClient {
  constructor(
    readonly url: string,
    readonly headers: Record<string, string> = {},
  ) {}

  with(headers: Record<string, string>): TestClient {
    return new TestClient(this.url, { ...this.headers, ...headers });
  }

  without(...names: string[]): TestClient {
    const rest = Object.entries(this.headers).filter(([name]) => !names.includes(name));
    return new TestClient(this.url, Object.fromEntries(rest));
  }

  /** With the cookies that an answer set. */
  keeping({ headers }: Pick<TestAnswer, 'headers'>): TestClient {
    const cookies = headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
    return this.with({ cookie: cookies.join('; ') });
  }

  get(path: string): Promise<TestAnswer> {
    return this.request('GET', path);
  }

  post(path: string, body: unknown = {}): Promise<TestAnswer> {
    return this.request('POST', path, body);
  }

  patch(path: string, body: unknown): Promise<TestAnswer> {
    return this.request('PATCH', path, body);
  }

  delete(path: string): Promise<TestAnswer> {
    return this.request('DELETE', path);
  }

  async request(method: string, path: string, body?: unknown): Promise<TestAnswer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('application/json') ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }
}
