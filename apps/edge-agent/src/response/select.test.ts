import { randomUUID } from 'node:crypto';
import type { FreezeSelector } from '@raypher/shared';
import { describe, expect, it } from 'vitest';
import { matches } from './select.ts';

const team = randomUUID();
const agent = {
  id: 'a1',
  name: 'bot.py',
  libraries: ['@langchain/core', 'langchain', 'requests'],
  models: ['gpt-4o'],
  evidence: ['requirements.txt of /srv/bot lists langchain ^1.2'],
};

describe('matches', () => {
  it.each<[Exclude<FreezeSelector, { kind: 'hash' }>, string | undefined]>([
    [{ kind: 'all' }, 'bot.py is an AI agent: requirements.txt of /srv/bot lists langchain ^1.2'],
    [{ kind: 'team', team }, `bot.py runs on a device of team ${team}`],
    [{ kind: 'team', team: randomUUID() }, undefined],
    [{ kind: 'library', name: 'langchain' }, 'requirements.txt of /srv/bot lists langchain ^1.2'],
    [{ kind: 'library', name: 'LangChain' }, 'requirements.txt of /srv/bot lists langchain ^1.2'],
    [{ kind: 'library', name: '@langchain' }, 'bot.py uses @langchain/core'],
    [{ kind: 'library', name: 'lang' }, undefined],
    [{ kind: 'library', name: 'langchain-core' }, undefined],
    [{ kind: 'model', name: 'GPT-4o' }, 'bot.py uses the model gpt-4o'],
    [{ kind: 'model', name: 'gpt-4' }, undefined],
    [{ kind: 'agent', agent: 'a1', name: 'bot.py' }, 'bot.py itself is meant'],
    [{ kind: 'agent', agent: 'a', name: 'bot.py' }, undefined],
  ])('%j', (selector, reason) => {
    expect(matches(selector, agent, team)).toBe(reason);
  });

  it('takes no device for one of a team when it has none', () => {
    expect(matches({ kind: 'team', team }, agent, undefined)).toBeUndefined();
  });
});
