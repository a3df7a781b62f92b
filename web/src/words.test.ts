import { beforeAll, expect, test } from 'vitest';
import { setLocale } from './lib/numbers';
import { words } from './words';

beforeAll(() => setLocale('en-GB'));

test('sentences of the server begin with a capital and end with a full stop', () => {
  expect(words.sentence('it still grows')).toBe('It still grows.');
  expect(words.sentence(' Done. ')).toBe('Done.');
  expect(words.sentence('')).toBe('');
});

test('one is not many', () => {
  expect([words.head.needs(1), words.head.needs(2)]).toEqual(['1 needs you', '2 need you']);
  expect([words.running.again(1), words.running.again(3)]).toEqual(['1 segment is made again.', '3 segments are made again.']);
  expect(words.ended.summary(1004, 3, 0)).toBe('1,004 jobs are done, 3 failed.');
});

test('kept work is never called whole', () => {
  expect(words.paused.kept(999, 1000)).toBe('99.9% is finished and kept.');
  expect(words.paused.kept(1000, 1000)).toBe('99.9% is finished and kept.');
  expect(words.paused.kept(0, 1000)).toBe('Nothing is made yet.');
});
