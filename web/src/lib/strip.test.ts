import { beforeAll, describe, expect, test } from 'vitest';
import type { Segment } from '../api/types';
import { setLocale } from './numbers';
import { MOST_RUNS, inWords, lookOf, runs, type Look } from './strip';

beforeAll(() => setLocale('en-GB'));

const segment = (more: Partial<Segment>): Segment => ({ number: 0, first: 0, end: 100, state: 'waiting', failed_attempts: 0, ...more });

describe('a segment', () => {
  test('is reused where most of its frames are repeats', () => {
    expect(lookOf(segment({ state: 'finished', reused_frames: 51 }), false)).toBe('reused');
    expect(lookOf(segment({ state: 'finished', reused_frames: 50 }), false)).toBe('finished');
    expect(lookOf(segment({ state: 'finished', reused_frames: null }), false)).toBe('finished');
  });

  test('has failed only where its job has', () => {
    expect(lookOf(segment({ failed_attempts: 2 }), false)).toBe('waiting');
    expect(lookOf(segment({ failed_attempts: 3 }), true)).toBe('failed');
    expect(lookOf(segment({ failed_attempts: 1, state: 'finished' }), true)).toBe('finished');
  });
});

describe('runs', () => {
  test('join neighbours that look alike', () => {
    expect(runs(['finished', 'finished', 'reused', 'running', 'waiting', 'waiting'])).toEqual([
      { look: 'finished', from: 0, to: 2 },
      { look: 'reused', from: 2, to: 3 },
      { look: 'running', from: 3, to: 4 },
      { look: 'waiting', from: 4, to: 6 },
    ]);
    expect(runs([])).toEqual([]);
  });

  test('stay few in a long film, and lose nothing that matters', () => {
    const looks = Array.from({ length: 50_000 }, (_, index): Look => (index % 2 === 0 ? 'finished' : 'reused'));
    looks[30_001] = 'running';
    looks[40_001] = 'failed';
    const found = runs(looks);
    expect(found.length).toBeLessThanOrEqual(MOST_RUNS);
    expect(found.some((run) => run.look === 'running' && run.from <= 30_001 && run.to > 30_001)).toBe(true);
    expect(found.some((run) => run.look === 'failed')).toBe(true);
    expect([found[0]?.from, found.at(-1)?.to]).toEqual([0, 50_000]);
    for (const [index, run] of found.slice(1).entries()) expect(run.from).toBe(found[index]?.to);
  });
});

test('the strip has words', () => {
  const looks: Look[] = ['finished', 'reused', 'running', 'waiting', 'waiting'];
  expect(inWords(looks)).toBe('2 of 5 finished, 1 of them mostly reused, 1 running, 2 waiting');
  expect(inWords(['finished', 'finished'])).toBe('all 2 are finished');
  expect(inWords([])).toBe('no plan yet');
});
