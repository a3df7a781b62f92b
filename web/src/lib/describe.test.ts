import { beforeAll, describe, expect, test } from 'vitest';
import { modelOf, queueLeft, secondsTaken, stageOf, stateOf, timeLeft, waitingFor } from './describe';
import type { Shown } from './jobs';
import { setLocale } from './numbers';

beforeAll(() => setLocale('en-GB'));

const now = Date.UTC(2026, 10, 28, 16, 52);
const job = (more: Partial<Shown>) =>
  ({ status: 'running', doing: 'upscaling', phase: 'segments', segments: 754, segments_done: 462, seen: now, result_gone: false, ...more }) as Shown;

describe('the time left', () => {
  test('is about a duration, with the time of the end', () => {
    expect(timeLeft(job({ seconds_left: 17_400 }), now)).toEqual({ left: 'about 4 h 50 min left', done: 'done at about 21:45', isKnown: true });
  });

  test('is not told before it is known, while the worker is silent, nor of the last steps', () => {
    const left = (more: Partial<Shown>) => timeLeft(job(more), now);
    expect(left({ segments_done: 0 })).toMatchObject({ left: 'time left is known after the first segment', isKnown: false });
    expect(left({})).toMatchObject({ left: 'time left not known', isKnown: false });
    expect(left({ seconds_left: 60, doing: 'interrupted' })).toMatchObject({ left: 'time left not known', isKnown: false });
    expect(left({ seconds_left: 0, phase: 'join' })).toMatchObject({ done: null, isKnown: false });
    expect(left({ seconds_left: 90, phase: 'join' })).toMatchObject({ isKnown: true });
  });

  test('gives way to how long no frame came', () => {
    expect(timeLeft(job({ seconds_left: null, stalled_seconds: 40 }), now)).toEqual({ left: 'no frame for 40 s', done: null, isKnown: false });
  });

  test('of all jobs says of how many it is', () => {
    expect(queueLeft({ jobs: 14, unknown: 0, seconds_left: 17_400 })).toBe('about 4 h 50 min for all 14');
    expect(queueLeft({ jobs: 14, unknown: 2, seconds_left: 17_400 })).toBe('about 4 h 50 min for 12 of 14');
    expect([queueLeft({ jobs: 1, unknown: 0, seconds_left: 60 }), queueLeft({ jobs: 3, unknown: 3, seconds_left: null }), queueLeft(undefined)]).toEqual([null, null, null]);
  });

  test('of a job that waits is what its work takes', () => {
    const said = (more: Partial<Shown>) => waitingFor(job({ frames_done: 0, frames: null, ...more }));
    expect([said({}), said({ frames: 100 }), said({ frames: 100, seconds_needed: 17_400 })]).toEqual(['', '100 frames', 'about 4 h 50 min']);
  });
});

test('the stage names the segment, where one is made', () => {
  expect(stageOf(job({}), [462])).toBe('making segment 463 of 754');
  expect(stageOf(job({}), [462, 463])).toBe('making 2 segments, 462 of 754 are finished');
  expect(stageOf(job({}))).toBe('462 of 754 segments are finished');
  expect(stageOf(job({ phase: 'index', frames_read: 41_200 }))).toBe('reading the source: 41,200 frames so far');
  expect([stageOf(job({ phase: 'join' })), stageOf(job({ phase: 'publish' }))]).toEqual(['joining and checking', 'publishing']);
});

test('a state has a word of its own', () => {
  const text = (more: Partial<Shown>) => stateOf(job(more)).text;
  expect(text({ status: 'paused', doing: 'pausing' })).toBe('Pausing after this segment');
  expect(text({ status: 'paused', doing: 'paused' })).toBe('Paused');
  expect(text({ doing: 'interrupted' })).toBe('No sign of life from the worker');
  expect(text({ status: 'done', result_gone: true })).toBe('Done, result not at its place');
  expect(text({ status: 'queued' })).toBe('Waiting');
});

test('what a job took is the time that it was worked on, once it has ended', () => {
  const ended = '2026-11-28T12:41:00Z';
  expect(secondsTaken(job({ ended, seconds_taken: 60 }))).toBe(60);
  expect(secondsTaken(job({ seconds_taken: 60 }))).toBeNull();
  expect(secondsTaken(job({ ended }))).toBeNull();
});

test('a job without a network says so', () => {
  expect(modelOf(job({ model: 'none' }))).toBe('no network');
  expect(modelOf(job({ model: 'mine' }))).toBe('mine');
});
