import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EK_TEMPLATES } from '../identity/tpm/public-area.ts';
import { Tpm, type TpmHandle } from './tss2.ts';
import { createPrimary, readPublic } from './tss2-objects.ts';

const TEMPLATE = EK_TEMPLATES['ecc-p256'];

describe.skipIf(tpmUnavailable)(`the connection to a TPM ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  beforeAll(async () => {
    chip = await TestTpm.start();
  });
  afterAll(() => chip?.stop());

  test('a slot that is not freed is missed by the fourth key', () => {
    using tpm = Tpm.open(chip.tcti);
    const held: TpmHandle[] = [];
    try {
      expect(() => {
        for (;;) held.push(createPrimary(tpm, 'endorsement', TEMPLATE));
      }).toThrowError(expect.objectContaining({ code: 'tpm/unavailable' }));
      expect(held).toHaveLength(3);
    } finally {
      for (const key of held) key[Symbol.dispose]();
    }
  });

  test('a hundred rounds leave no slot taken, whether they end well or not', async () => {
    for (let round = 0; round < 100; round += 1) {
      using tpm = Tpm.open(chip.tcti);
      const use = () => {
        using key = createPrimary(tpm, 'endorsement', TEMPLATE);
        if (round % 2 === 0) throw new Error('something else went wrong');
        return readPublic(tpm, key);
      };
      if (round % 2 === 0) expect(use).toThrowError('something else');
      else expect(use().length).toBeGreaterThan(TEMPLATE.length - 1);
    }
    expect(await chip.tool('getcap', 'handles-transient')).toBe('');
  });

  test('releasing twice frees nobody else’s slot', async () => {
    using tpm = Tpm.open(chip.tcti);
    const first = createPrimary(tpm, 'endorsement', TEMPLATE);
    first[Symbol.dispose]();
    using second = createPrimary(tpm, 'endorsement', TEMPLATE);
    first[Symbol.dispose]();
    expect(readPublic(tpm, second)).toHaveLength(TEMPLATE.length);
  });

  test('where nothing answers, that is what it says', () => {
    expect(() => Tpm.open('swtpm:path=/nowhere/socket')).toThrowError(
      expect.objectContaining({
        code: 'tpm/absent',
        message: expect.stringContaining('swtpm:path=/nowhere/socket'),
      }),
    );
  });

  test('a TPM that firmware did not start up says so', async () => {
    const cold = await TestTpm.start({ startedUp: false });
    try {
      using tpm = Tpm.open(cold.tcti);
      expect(() => createPrimary(tpm, 'endorsement', TEMPLATE)).toThrowError(
        expect.objectContaining({
          code: 'tpm/unavailable',
          message: expect.stringContaining('not started up'),
        }),
      );
    } finally {
      await cold.stop();
    }
  });
});
