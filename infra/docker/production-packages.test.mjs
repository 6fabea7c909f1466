import { describe, expect, it } from 'vitest';
import { productionPackages } from './production-packages.mjs';

const lock = {
  packages: {
    'apps/a': { dependencies: { '@x/b': '*', left: '1' }, devDependencies: { tests: '1' } },
    'node_modules/@x/b': { link: true, resolved: 'packages/b' },
    'packages/b': { dependencies: { left: '2' }, optionalDependencies: { native: '1' } },
    'node_modules/left': {
      peerDependencies: { peer: '1', maybe: '1' },
      peerDependenciesMeta: { maybe: { optional: true } },
    },
    'packages/b/node_modules/left': {},
    'node_modules/native': {},
    'node_modules/peer': {},
    'node_modules/maybe': {},
    'node_modules/tests': {},
  },
};

describe('what production needs', () => {
  it('is what the lock says, each version where it is installed, without what is only for tests', () => {
    expect(productionPackages(lock, 'apps/a', () => true)).toEqual({
      workspaces: [{ name: '@x/b', path: 'packages/b' }],
      packages: [
        'node_modules/left',
        'node_modules/native',
        'node_modules/peer',
        'packages/b/node_modules/left',
      ],
    });
  });

  it('may lack what is optional, and nothing else', () => {
    const without = (/** @type {string} */ missing) => (/** @type {string} */ path) => path !== missing;
    const { packages } = productionPackages(lock, 'apps/a', without('node_modules/native'));
    expect(packages).not.toContain('node_modules/native');
    expect(() => productionPackages(lock, 'apps/a', without('node_modules/peer'))).toThrow('needs peer');
  });
});
