import { expect, it } from 'vitest';
import { paletteScore } from './palette-score.ts';

it.each([
  ['Spend', 'spe', ['cost'], 1],
  ['Panic Center', 'freeze', ['freeze', 'stop'], 0.5],
  ['Approve waiting devices', 'waiting app', [], 0.5],
  ['web-01.example', '01', [], 0.5],
  ['Events', 'EV', [], 1],
])('finds %s by "%s"', (name, typed, words, score) => {
  expect(paletteScore(name, typed, words)).toBe(score);
});

it.each([
  ['Approve waiting devices', 'spe'],
  ['Freeze AI agents', 'spe'],
  ['Spend', 'spend money'],
])('does not find %s by "%s": its letters alone are not enough', (name, typed) => {
  expect(paletteScore(name, typed, ['enforcement'])).toBe(0);
});
