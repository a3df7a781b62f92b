import { expect, test } from 'vitest';
import { Speed, afterFailure, base64, isSame, pauseAfter, remembered, uploadPath } from './transfer';

test('names go over the wire in UTF-8', () => {
  expect(base64('film.mkv')).toBe('ZmlsbS5ta3Y=');
  expect(base64('ü 映画.mp4')).toBe('w7wg5pig55S7Lm1wNA==');
});

test('the path of an upload works below any path of a proxy', () => {
  expect(uploadPath('/api/v1/uploads/abc')).toBe('api/v1/uploads/abc');
  expect(uploadPath('https://nas.local/below/api/v1/uploads/abc?x=1')).toBe('api/v1/uploads/abc');
  expect(uploadPath('')).toBeNull();
});

test('a speed is that of the last seconds', () => {
  const speed = new Speed();
  expect(speed.value).toBeNull();
  speed.add(0, 0);
  speed.add(500, 500);
  expect(speed.value).toBeNull();
  for (let second = 1; second <= 20; second += 1) speed.add(second * 1000, second * 1000);
  expect(speed.value).toBe(1000);
  for (let second = 21; second <= 40; second += 1) speed.add(second * 1000, 20_000 + (second - 20) * 5000);
  expect(speed.value).toBe(5000);
});

test('what a person has to mend is not tried again', () => {
  expect([507, 413, 403].map((status) => afterFailure(status, ''))).toEqual(['refused', 'refused', 'refused']);
  expect(afterFailure(400, 'bad_name')).toBe('refused');
  expect(afterFailure(400, 'broken')).toBe('again');
  expect([408, 409, 423, 460, 500, 502, 503].map((status) => afterFailure(status, ''))).toEqual(Array(7).fill('again'));
  expect([404, 410].map((status) => afterFailure(status, ''))).toEqual(['anew', 'anew']);
  expect(afterFailure(401, 'sign_in_needed')).toBe('sign in');
});

test('the pauses between tries grow up to a limit', () => {
  expect([1, 2, 3, 10].map(pauseAfter)).toEqual([500, 1000, 2000, 15_000]);
});

test('a file is recognised by its name, size and time, and only what is whole is remembered', () => {
  const one = { url: 'api/v1/uploads/abc', name: 'film.mkv', size: 3, lastModified: 5 };
  expect(isSame(one, { name: 'film.mkv', size: 3, lastModified: 5 })).toBe(true);
  expect(isSame(one, { name: 'film.mkv', size: 4, lastModified: 5 })).toBe(false);
  expect(remembered(JSON.stringify([one, { ...one, url: 'https://elsewhere/' }, { name: 'x' }, null]))).toEqual([one]);
  expect(remembered('not JSON')).toEqual([]);
  expect(remembered(null)).toEqual([]);
});
