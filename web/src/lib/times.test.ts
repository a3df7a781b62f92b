import { beforeAll, describe, expect, test } from 'vitest';
import { setLocale } from './numbers';
import { day, doneAt, exact, filmTime, grain, moment, rough } from './times';

beforeAll(() => setLocale('en-GB'));

describe('an estimated duration', () => {
  test.each([
    [0, '10 s'],
    [4, '10 s'],
    [38, '40 s'],
    [58, '1 min'],
    [90, '2 min'],
    [430, '7 min'],
    [598, '10 min'],
    [17_320, '4 h 50 min'],
    [3_599, '1 h'],
    [21_599, '6 h'],
    [30_000, '8 h 20 min'],
    [86_399, '1 day'],
    [86_400 * 2 + 6 * 3600 + 900, '2 days 6 h'],
  ])('of %d s is %s', (seconds, words) => expect(rough(seconds)).toBe(words));

  test('is never finer than it is known', () => {
    expect([30, 300, 3000, 30_000, 300_000].map(grain)).toEqual([10, 60, 300, 600, 3600]);
  });
});

test('a measured duration is exact to the minute', () => {
  expect([0, 52, 60, 9660, 86_400 * 3 + 7200].map(exact)).toEqual(['1 s', '52 s', '1 min', '2 h 41 min', '3 days 2 h']);
});

test('a position in a film has hours', () => {
  expect([0, 2902.9, 36_000].map(filmTime)).toEqual(['0:00:00', '0:48:22', '10:00:00']);
});

describe('the time of the end', () => {
  const now = Date.UTC(2026, 10, 28, 16, 52);

  test('is rounded as the duration is, and never earlier', () => {
    expect(doneAt(17_400, now, now)).toBe('done at about 21:45');
    expect(doneAt(125, now, now)).toBe('done at about 16:55');
  });

  test('names another day', () => {
    expect(doneAt(9 * 3600, now, now)).toBe('done tomorrow at about 02:00');
    expect(doneAt(3 * 86_400, now, now)).toBe('done on Tuesday at about 17:00');
    expect(doneAt(20 * 86_400, now, now)).toBe('done on 18 December at about 17:00');
  });

  test('is none once it is past', () => {
    expect(doneAt(60, now - 3_600_000, now)).toBeNull();
  });
});

describe('a time', () => {
  const now = Date.UTC(2026, 0, 2, 16, 52);

  test('says the day', () => {
    expect(moment('2026-01-02T09:12:00Z', now)).toBe('today, 09:12');
    expect(moment('2026-01-01T23:50:00Z', now)).toBe('yesterday, 23:50');
    expect(day(Date.UTC(2026, 0, 20), Date.UTC(2026, 5, 1))).toBe('Tuesday 20 January');
    expect(day(Date.UTC(2025, 11, 20), now)).toContain('2025');
  });

  test('that is no time is not known', () => {
    expect([moment(null, now), moment('soon', now)]).toEqual(['time not known', 'time not known']);
  });
});
