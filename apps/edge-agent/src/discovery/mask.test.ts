import { describe, expect, it } from 'vitest';
import { maskArguments, maskText } from './mask.ts';

// Assembled here, so that no scanner takes this file for a leak.
const key = (prefix: string): string => prefix + 'aB3'.repeat(12);
const secret = 'hunter2hunter2';

describe('maskArguments', () => {
  it.each([
    [['bot', '--api-key', secret, '--verbose']],
    [['bot', `--api-key=${secret}`]],
    [['bot', '--openai-api-key', secret]],
    [['bot', '--token', secret]],
    [['bot', '--password', secret]],
    [['env', `OPENAI_API_KEY=${secret}`, 'bot']],
    [['curl', '-H', `Authorization: Bearer ${secret}`]],
    [['curl', '-H', `x-api-key: ${secret}`]],
    [['git', 'clone', `https://user:${secret}@example.com/x.git`]],
    [['curl', `https://example.com/?key=${secret}&b=1`]],
    [['python', '-c', `client = OpenAI(api_key="${secret}")`]],
    [['node', '-e', `post({"token": "${secret}"})`]],
    [['bot', `--openaiApiKey=${secret}`]],
    [['bot', '--authToken', secret]],
    [['bot', `clientSecret=${secret}`]],
    [['env', `PGPASSWORD=${secret}`, 'psql']],
    [['bot', '--db-url', `postgres://user:p@${secret}@db.example/x`]],
    [['curl', '-u', `user:${secret}`, 'https://example.com']],
    [['curl', `--user=user:${secret}`]],
    [['bot', '--token', `-${secret}`]],
  ])('hides the secret in %j', (argv) => {
    expect(maskArguments(argv)).not.toContain(secret);
    expect(maskArguments(argv)).toContain('***');
  });

  it.each(['sk-', 'sk-ant-api03-', 'sk-proj-', 'ghp_', 'hf_', 'gsk_', 'xoxb-', 'AIza', 'npm_', 'glpat-'])(
    'hides a key that starts with %s wherever it stands',
    (prefix) => {
      expect(maskArguments(['run', `a:${key(prefix)}:b`])).not.toContain(key(prefix));
    },
  );

  it('shows what is no secret', () => {
    const argv = [
      'node',
      '/srv/desk-sk/bot.js',
      '--model=gpt-4o',
      '--key-file',
      '/etc/k',
      '--max-tokens',
      '4096',
      '-p',
      '80',
    ];
    expect(maskArguments(argv)).toBe(argv.join(' '));
    const digest = 'a3f5'.repeat(16);
    expect(maskArguments(['verify', digest])).toBe(`verify ${digest}`);
  });

  it('cannot be made to forge lines or colours', () => {
    expect(maskArguments(['a\nb', '\u001b[31mred', 'x\u202ey'])).toBe('a b  [31mred x y');
  });

  it('takes no time to speak of for the longest arguments that the kernel accepts', () => {
    const argv = ['_', 'a-', 'sk-', 'a.'].map((piece) => piece.repeat(131_072 / piece.length));
    const started = performance.now();
    expect(maskArguments(argv).length).toBeLessThanOrEqual(2048);
    // A pattern that goes back and forth takes half a minute.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('is bounded', () => {
    expect(maskArguments(Array<string>(10_000).fill('word')).length).toBeLessThanOrEqual(2048);
  });
});

describe('maskText', () => {
  it('works inside evidence', () => {
    expect(maskText(`runs the script /tmp/${key('sk-')}/bot.py`)).toBe('runs the script /tmp/***/bot.py');
  });
});
