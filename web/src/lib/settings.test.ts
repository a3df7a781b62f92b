import { expect, test } from 'vitest';
import { changesOf, countOf, meant, put, putSize, shown, sizeOf, withPlaces } from './settings';

test('what is typed is what the file has, and back', () => {
  expect(meant('number', ' 0,5 ')).toBe(0.5);
  expect(meant('number', 'two')).toBe('two');
  expect(meant('number', ' ')).toBeUndefined();
  expect(meant('text', ' auto ')).toBe('auto');
  expect(meant('list', 'a\n\n b \n')).toEqual(['a', 'b']);
  expect(meant('list', '\n')).toBeUndefined();
  for (const [kind, value] of [['number', 2], ['text', 'x'], ['list', ['a', 'b']]] as const) expect(meant(kind, shown(kind, value))).toEqual(value);
  expect(shown('text', undefined)).toBe('');
});

test('a change has what differs alone', () => {
  const file = withPlaces({ crf: 20, model: 'none', presets: { a: { crf: 1, scale: 2 }, b: {} }, schedule: { windows: ['22:00-07:00'] }, folders: [{ path: 'x' }] });
  expect(changesOf(file, file)).toEqual({});
  const changed = { ...put(file, 'crf', undefined), model: 'b', presets: { a: { crf: 2, scale: 2 }, c: { scale: 3 } }, schedule: {}, folders: [{ was: 0, path: 'x' }, { path: 'y' }] };
  const changes = changesOf(file, changed);
  expect(changes).toEqual({
    crf: null,
    model: 'b',
    presets: { a: { crf: 2 }, b: null, c: { scale: 3 } },
    schedule: { windows: null },
    folders: [{ was: 0, path: 'x' }, { path: 'y' }],
  });
  expect(countOf(changes)).toBe(7);
  expect(changesOf(file, put(file, 'folders', undefined))).toEqual({ folders: [] });
});

test('a table has one size', () => {
  expect(sizeOf({ crf: 1, height: 1080 })).toBe('height');
  expect(sizeOf({})).toBeNull();
  expect(putSize({ crf: 1, height: 1080 }, 'fit', '640x480')).toEqual({ crf: 1, fit: '640x480' });
  expect(putSize({ scale: 2 }, null, undefined)).toEqual({});
});
