import { expect, test } from 'vitest';
import { changesOf, countOf, isModelName, meant, put, putSize, shown, sizeOf, within, withPlaces } from './settings';

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

test('options of the encoder are lines, and a switch within a table may not be set', () => {
  expect(meant('pairs', 'tune = film\n\n x=a=b ')).toEqual({ tune: 'film', x: 'a=b' });
  expect(shown('pairs', { tune: 'film', bf: 3 })).toBe('tune = film\nbf = 3');
  expect(meant('pairs', 'tune')).toBe('tune');
  expect(meant('pairs', '=film')).toBe('=film');
  expect(meant('pairs', ' ')).toBeUndefined();
  expect([meant('flag', 'on'), meant('flag', 'off'), meant('flag', '')]).toEqual([true, false, undefined]);
  expect([shown('flag', true), shown('flag', false), shown('flag', undefined)]).toEqual(['on', 'off', '']);
  expect(within([{ key: 'reuse', kind: 'switch' }, { key: 'crf', kind: 'number' }])).toEqual([
    { key: 'reuse', kind: 'flag', options: ['on', 'off'] },
    { key: 'crf', kind: 'number' },
  ]);
});

test('webhooks are known by their places, without what is not told of them', () => {
  const hook = { url: 'https://a.org/…', events: ['done'], format: null, has_secret: true, secret_file: null, allow_private: false, page: null };
  const file = withPlaces({ crf: 20 }, [hook]);
  expect(file).toEqual({ crf: 20, webhooks: [{ was: 0, events: ['done'], allow_private: false }] });
  expect(changesOf(file, file)).toEqual({});
  const changes = changesOf(file, { ...file, webhooks: [{ was: 0, secret: null }, { url: 'https://b.org/' }] });
  expect(changes).toEqual({ webhooks: [{ was: 0, secret: null }, { url: 'https://b.org/' }] });
  expect(countOf(changes)).toBe(1);
  expect(changesOf(file, put(file, 'webhooks', undefined))).toEqual({ webhooks: [] });
});

test('models are told by their names', () => {
  expect(['a.pth', 'a.SafeTensors', 'a.pth.mkv', 'pth', 'a.bin'].map(isModelName)).toEqual([true, true, false, false, false]);
});
