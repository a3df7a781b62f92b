import { beforeAll, expect, test } from 'vitest';
import { number, percent, setLocale, shareOfWork, size } from './numbers';

beforeAll(() => setLocale('en-GB'));

test('numbers are those of the locale', () => {
  expect([number(108_412), number(3.94, 1), percent(0.0742)]).toEqual(['108,412', '3.9', '7.4%']);
  setLocale('de');
  expect([number(108_412), percent(0.612)]).toEqual(['108.412', '61,2\u00a0%']);
  setLocale('en-GB');
});

test('sizes have three digits, by thousands', () => {
  const sizes = [0, 999, 1000, 999_499, 999_600, 214_300_000, 23_130_000_000, 1.4e12].map(size);
  expect(sizes).toEqual(['0 bytes', '999 bytes', '1 kB', '999 kB', '1 MB', '214 MB', '23.1 GB', '1.4 TB']);
});

test('only what is done is whole', () => {
  expect(shareOfWork(177_000, 177_000, false)).toBe(0.999);
  expect(shareOfWork(177_000, 177_000, true)).toBe(1);
  expect(shareOfWork(108_412, 177_000, false)).toBe(0.612);
  expect(shareOfWork(5, 0, false)).toBe(0);
});
