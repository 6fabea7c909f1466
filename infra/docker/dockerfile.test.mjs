import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DockerfileParser } from 'dockerfile-ast';
import { describe, expect, it } from 'vitest';
import { composeConfig } from './testing/compose-config.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = DockerfileParser.parse(readFileSync(`${ROOT}infra/docker/Dockerfile`, 'utf8'));
const instructions = dockerfile.getInstructions();

/** @param {string} stage - its instructions, in order, as `KEYWORD arguments`. */
function linesOf(stage) {
  const starts = instructions.flatMap((instruction, index) =>
    instruction.getKeyword() === 'FROM'
      ? [{ index, name: (instruction.getArgumentsContent() ?? '').split(' AS ')[1] }]
      : [],
  );
  const at = starts.findIndex(({ name }) => name === stage);
  return instructions
    .slice(starts[at]?.index, starts[at + 1]?.index)
    .map((instruction) => instruction.toString());
}

describe('the Dockerfile', () => {
  it('has only instructions that Docker knows', () => {
    const known =
      'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER VOLUME WORKDIR';
    for (const instruction of instructions) expect(known.split(' ')).toContain(instruction.getKeyword());
  });

  it.each(['ingestor', 'web'])(
    'ends %s as an account without rights, on an image that was not built in',
    (stage) => {
      const lines = linesOf(stage);
      expect(lines[0]).toBe(`FROM runtime AS ${stage}`);
      expect(lines.filter((line) => line.startsWith('USER'))).toEqual(['USER 10001:10001']);
      expect(lines.filter((line) => line.startsWith('COPY'))).toEqual([`COPY --from=build /out/${stage} ./`]);
      expect(lines.some((line) => line.startsWith('HEALTHCHECK'))).toBe(true);
      expect(lines.filter((line) => /^(ENV|ARG)/.test(line)).join()).not.toMatch(/KEY|SECRET|PASSWORD|TOKEN/);
    },
  );

  it('starts programs that exist', () => {
    for (const stage of ['ingestor', 'web']) {
      const [command = ''] = linesOf(stage).filter((line) => line.startsWith('CMD'));
      const file = JSON.parse(command.slice('CMD '.length))[1];
      expect(existsSync(`${ROOT}${file}`), file).toBe(true);
    }
  });

  it('has the targets that compose builds', async () => {
    const { services } = await composeConfig();
    for (const [name, { build }] of Object.entries(/** @type {any} */ (services))) {
      if (build !== undefined) expect(linesOf(build.target).length, name).toBeGreaterThan(1);
    }
  });
});

describe('the builder', () => {
  it('is given no secrets, no data and nothing that was built elsewhere', () => {
    const ignored = readFileSync(`${ROOT}.dockerignore`, 'utf8').split('\n');
    expect(ignored).toEqual(
      expect.arrayContaining([
        '.git',
        '.raypher',
        '**/node_modules',
        '**/dist',
        'infra/secrets',
        'infra/tls',
        '**/.env*',
      ]),
    );
  });
});
