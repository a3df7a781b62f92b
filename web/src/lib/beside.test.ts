import { expect, test } from 'vitest';
import { beginOf, correction } from './beside';

test('what stands still jumps to the moment', () => {
  expect(correction(4, 4.01, 1, false)).toEqual({ seek: null, rate: 1 });
  expect(correction(4, 4.1, 1, false)).toEqual({ seek: 4.1, rate: 1 });
});

test('what is played a little apart is played faster or slower, and jumps from far', () => {
  expect(correction(4, 4.01, 2, true)).toEqual({ seek: null, rate: 2 });
  expect(correction(4, 4.05, 1, true).rate).toBeCloseTo(1.1);
  expect(correction(4.05, 4, 2, true).rate).toBeCloseTo(1.8);
  expect(correction(4.2, 4, 1, true).rate).toBeCloseTo(0.85);
  expect(correction(4, 4.2, 16, true).rate).toBe(16);
  expect(correction(4.4, 4, 1, true)).toEqual({ seek: 4, rate: 1 });
});

test('two seconds of play bring what is a tenth of a second apart together', () => {
  let [time, wanted] = [0, 0.24];
  for (let step = 0; step < 40; step += 1) {
    time += 0.05 * correction(time, wanted, 1, true).rate;
    wanted += 0.05;
  }
  expect(Math.abs(time - wanted)).toBeLessThan(0.03);
});

test('the result of a part begins within the source', () => {
  expect(beginOf(null)).toBe(0);
  expect(beginOf('00:01:02.5-00:02:00')).toBe(62.5);
  expect(beginOf('01:00:00-end')).toBe(3600);
  expect(beginOf('soon')).toBe(0);
});
