import type { z } from 'zod';
import { ApiError, toApiError } from './error.ts';

type Query = Record<string, string | number | boolean | undefined | null>;

interface RequestOptions {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
}

/**
 * One call to the control plane; the answer is checked against the contract.
 *
 * @throws ApiError when the server refuses, does not answer, or answers something else than agreed
 */
export async function request<T extends z.ZodType>(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  schema: T,
  options: RequestOptions = {},
): Promise<z.output<T>> {
  const response = await send(method, path, options);
  const text = await response.text();
  const body = parseJson(text);
  if (!response.ok) throw toApiError(response.status, body);
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    throw new ApiError(502, {
      code: 'internal/unexpected',
      message: `The answer to ${method} ${path} is not in the agreed form.`,
      hint: 'The dashboard and the control plane are of different versions: reload, or update both.',
      details: { issues: parsed.error.issues.slice(0, 5) },
    });
  }
  return parsed.data;
}

async function send(
  method: string,
  path: string,
  { query, body, signal }: RequestOptions,
): Promise<Response> {
  const init: RequestInit = {
    method,
    headers: { accept: 'application/json' },
    credentials: 'same-origin',
    cache: 'no-store',
  };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) {
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  try {
    return await fetch(withQuery(path, query), init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError(0, {
      code: 'service/not-running',
      message: 'The control plane cannot be reached.',
      hint: 'Devices keep enforcing their last policy. Check your connection; this page retries by itself.',
    });
  }
}

/** Adds the parameters that have a value. */
export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}

function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
