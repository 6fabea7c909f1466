import { describe, expect, it } from 'vitest';
import { codeLoadingVariable, searchPath } from './environment.ts';
import { interpreterOf, neverAllowed, scriptOf } from './interpreters.ts';

function script(line: string): string | undefined {
  const argv = line.split(' ');
  const interpreter = interpreterOf(argv[0] ?? '');
  if (interpreter === undefined) throw new Error('no interpreter');
  const found = scriptOf(interpreter, argv);
  return 'script' in found ? found.script : undefined;
}

describe('the script of a command line', () => {
  it.each([
    ['node bot.js --require evil.js', 'bot.js'],
    ['node --enable-source-maps -- bot.js', 'bot.js'],
    ['python3.12 -u -B bot.py -c evil', 'bot.py'],
    ['python3 -uB bot.py', 'bot.py'],
    ['deno run --allow-net --no-config bot.ts', 'bot.ts'],
    ['bash -eu bot.sh', 'bot.sh'],
    ['perl -w bot.pl', 'bot.pl'],
    ['ruby bot.rb', 'bot.rb'],
    ['php bot.php', 'bot.php'],
  ])('%s is %s', (line, expected) => {
    expect(script(line)).toBe(expected);
  });

  it.each([
    'node',
    'node -',
    'node -i',
    'node -r evil.js bot.js',
    'node -revil.js bot.js',
    'node --import=evil.mjs bot.js',
    'node --loader evil.mjs bot.js',
    'node --env-file=.env bot.js',
    'node --experimental-default-config-file bot.js',
    'node -pe 1 bot.js',
    'node inspect bot.js',
    'node --watch bot.js',
    'node --run start',
    'node --test bot.js',
    'python3 -',
    'python3 -c code bot.py',
    'python3 -ccode bot.py',
    'python3 -uc code bot.py',
    'python3 -m evil bot.py',
    'python3 -i bot.py',
    'python3 -W error::evil.Warning bot.py',
    'deno bot.ts',
    'deno eval code',
    'deno run bot.ts',
    'deno run --no-config --import-map=evil.json bot.ts',
    'deno run --no-config --preload=evil.ts bot.ts',
    'bash -c code bot.sh',
    'bash --rcfile evil -i bot.sh',
    'bash --init-file=evil bot.sh',
    'bash -s bot.sh',
    'bash -i bot.sh',
    'perl -Mevil bot.pl',
    'perl -Ievil bot.pl',
    'perl -e code bot.pl',
    'ruby -revil bot.rb',
    'ruby -I evil bot.rb',
    'php -d auto_prepend_file=evil bot.php',
    'php -r code bot.php',
  ])('%s is not to be told', (line) => {
    expect(script(line)).toBeUndefined();
  });
});

describe('executables', () => {
  it.each([
    '/usr/bin/php-cgi8.3',
    '/usr/bin/zsh',
    '/usr/bin/fish',
    '/usr/bin/qemu-x86_64',
    '/usr/bin/openssl',
    '/lib64/ld-linux-x86-64.so.2',
    '/bin/busybox',
    '/usr/bin/env',
    '/usr/bin/gdb',
    '/usr/bin/curl',
    '/usr/local/bin/bun',
    '/usr/bin/java',
    '/usr/bin/vim.basic',
  ])('%s is never allowed', (path) => {
    expect(neverAllowed(path)).toBeDefined();
  });

  it('of one’s own are', () => {
    expect(neverAllowed('/opt/bot/bot')).toBeUndefined();
    expect(interpreterOf('bot')).toBeUndefined();
  });
});

describe('an environment', () => {
  const block = (...entries: string[]): Buffer => Buffer.from(entries.map((entry) => `${entry}\0`).join(''));

  it.each([
    ['bash', 'BASH_ENV=/tmp/evil'],
    ['bash', 'BASH_FUNC_curl%%=() { evil; }'],
    ['sh', 'ENV=/tmp/evil'],
    ['perl', 'PERL5OPT=-Mevil'],
    ['perl', 'PERL5LIB=/tmp'],
    ['ruby', 'RUBYOPT=-revil'],
    ['ruby', 'GEM_HOME=/tmp'],
    ['python3', 'PYTHONHOME=/tmp'],
    ['python3', 'PYTHONWARNINGS=error::evil.W'],
    ['node', 'NODE_OPTIONS=--require /tmp/evil.js'],
    ['node', 'NODE_OPTIONS=--max-old-space-size=1 --import /tmp/evil.js'],
    ['php', 'PHP_INI_SCAN_DIR=/tmp'],
    ['deno', 'DENO_DIR=/tmp'],
    ['bot', 'LD_PRELOAD=/tmp/evil.so'],
    ['bot', 'GCONV_PATH=/tmp'],
  ])('of %s with %s loads code', (name, entry) => {
    expect(codeLoadingVariable(block('A=1', entry, 'B=2'), interpreterOf(name))).toBe(entry.split('=')[0]);
  });

  it('of another interpreter means nothing', () => {
    expect(codeLoadingVariable(block('PYTHONPATH=/tmp', 'X=LD_PRELOAD=1'), interpreterOf('node'))).toBe(
      undefined,
    );
  });

  it('is read to its end, even when that is not where it should be', () => {
    expect(codeLoadingVariable(Buffer.from('A=1\0\0=\0LD_PRELOAD=/tmp/evil.so'), undefined)).toBe(
      'LD_PRELOAD',
    );
    expect(searchPath(block('XPATH=/no', 'PATH=/bin:/usr/bin'))).toBe('/bin:/usr/bin');
  });
});
