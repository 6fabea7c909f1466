import { describe, expect, it } from 'vitest';
import { DEFAULT_STAGE, toStage } from './stage-answers.ts';

const DEVICE = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

describe('who gets a revision first', () => {
  it('is everybody unless something else is chosen', () => {
    expect(toStage(DEFAULT_STAGE)).toBeUndefined();
  });

  it('is a share, teams or devices', () => {
    expect(toStage({ ...DEFAULT_STAGE, kind: 'percentage', percentage: '25' })).toEqual({
      selector: { kind: 'percentage', percentage: 25 },
      haltAtPercent: 10,
    });
    expect(toStage({ ...DEFAULT_STAGE, kind: 'devices', chosen: [DEVICE] })?.selector).toEqual({
      kind: 'devices',
      devices: [DEVICE],
    });
  });

  it.each([{ percentage: '' }, { percentage: '100' }, { percentage: '2.5' }, { haltAtPercent: '0' }])(
    'is not known while it says %j',
    (answers) => {
      expect(toStage({ ...DEFAULT_STAGE, kind: 'percentage', ...answers })).toBeNull();
    },
  );

  it('is not known while nobody is chosen', () => {
    expect(toStage({ ...DEFAULT_STAGE, kind: 'teams' })).toBeNull();
  });
});
