import { describe, expect, it } from 'vitest';
import type { Model, Video } from '../api/types';
import { firstChoices, jobSettings, nextChoice, pictureSettings, requestKey, resultSize, targets, usualRest } from './trial';

const model = (name: string, more: Partial<Model> = {}): Model => ({
  name,
  built_in: true,
  default: false,
  architecture: null,
  scale: 4,
  bytes: null,
  checksum: null,
  licence: null,
  fault: null,
  ...more,
});
const general = model('general', { default: true });
const anime = model('anime');
const broken = model('broken', { fault: 'it is cut off' });
const own = model('own', { built_in: false });

describe('settings', () => {
  it('leave to the server what was not chosen', () => {
    expect(jobSettings({ model: 'general', strength: 1 }, usualRest())).toEqual({ model: 'general', scale: 4, strength: 1, grain: 0, anchor: false });
  });

  it('say nothing of a network where there is none', () => {
    expect(pictureSettings({ model: 'none', strength: 0.5 }, { ...usualRest(), target: { fit: '1920x1080' } })).toEqual({
      model: 'none',
      fit: '1920x1080',
      grain: 0,
    });
  });

  it('do not give one encoder what another has', () => {
    const rest = { ...usualRest(), encoder: 'libx265', crf: '20', container: 'mkv', fillGaps: true };
    expect(jobSettings({ model: 'none', strength: 1 }, rest)).toEqual({
      model: 'none',
      scale: 4,
      grain: 0,
      encoder: 'libx265',
      codec: null,
      preset: null,
      crf: 20,
      container: 'mkv',
      fill_gaps: true,
    });
  });
});

describe('choices', () => {
  it('begin with the usual model, the other built-in ones and none', () => {
    expect(firstChoices([general, anime, broken, own]).map(({ model }) => model)).toEqual(['general', 'anime', 'none']);
    expect(firstChoices([]).map(({ model }) => model)).toEqual(['none']);
  });

  it('are not shown twice', () => {
    const first = firstChoices([general, anime]);
    expect(nextChoice(first, [general, anime, own])).toEqual({ model: 'own', strength: 1 });
    expect(nextChoice(first, [general, anime, broken])).toEqual({ model: 'general', strength: 0.5 });
  });
});

describe('sizes', () => {
  it('are those of the result', () => {
    const source = { width: 640, height: 272 };
    expect(resultSize({ scale: 4 }, source)).toEqual({ width: 2560, height: 1088 });
    expect(resultSize({ fit: '1920x1080' }, source)).toEqual({ width: 1920, height: 816 });
    expect(resultSize({ height: 720 }, source)).toEqual({ width: 1694, height: 720 });
  });

  it('leave screens out that the video fills already', () => {
    const video = (shown_width: number, shown_height: number) => ({ shown_width, shown_height }) as Video;
    expect(targets(video(640, 272))).toHaveLength(4);
    expect(targets(video(1920, 1080))).toEqual([{ scale: 2 }, { scale: 4 }, { fit: '3840x2160' }]);
  });

  it('have keys of their own', () => {
    expect(requestKey()).toMatch(/^[0-9a-f]{32}$/);
    expect(requestKey()).not.toBe(requestKey());
  });
});
