// What is tried on a frame before a job is made: settings as the API takes them, and sizes that can be chosen.
import type { JobSettings, Model, Video } from '../api/types';
import type { Size } from './view';

/** Tiles that are shown beside each other. */
export const MOST_TILES = 4;

/** Settings that are tried. */
export interface Choice {
  model: string;
  strength: number;
}

/** A size of the result: a factor, or a screen that it fits. */
export type Target = { scale: number } | { fit: string } | { height: number };

/** What holds for all tiles. */
export interface Rest {
  target: Target;
  encoder: string;
  crf: string;
  container: string;
  grain: number;
  anchor: boolean;
  fillGaps: boolean;
}

export const usualRest = (): Rest => ({
  target: { scale: 4 },
  encoder: '',
  crf: '',
  container: '',
  grain: 0,
  anchor: false,
  fillGaps: false,
});

/** What changes a picture. */
export function pictureSettings({ model, strength }: Choice, rest: Rest): JobSettings {
  const size = { ...rest.target };
  if (model === 'none') return { model, ...size, grain: rest.grain };
  return { model, ...size, strength, grain: rest.grain, anchor: rest.anchor };
}

/** All that a job has; what is not chosen is as the server has it. */
export function jobSettings(choice: Choice, rest: Rest): JobSettings {
  const settings = pictureSettings(choice, rest);
  if (rest.encoder !== '') {
    // What the server has for its own encoder is not meant for another one.
    Object.assign(settings, { encoder: rest.encoder, codec: null, preset: null, crf: null });
  }
  if (rest.crf.trim() !== '') settings.crf = Number(rest.crf);
  if (rest.container !== '') settings.container = rest.container;
  if (rest.fillGaps) settings.fill_gaps = true;
  return settings;
}

/** The tiles that a new job begins with: the usual model, the other built-in ones, and none. */
export function firstChoices(models: readonly Model[]): Choice[] {
  const usable = models.filter((model) => model.fault === null || model.fault === undefined);
  const usual = usable.find((model) => model.default) ?? usable[0];
  const others = usable.filter((model) => model !== usual && model.built_in);
  const all = [usual, ...others].flatMap((model) => (model ? [{ model: model.name, strength: 1 }] : []));
  return [...all.slice(0, MOST_TILES - 1), { model: 'none', strength: 1 }];
}

/** A choice that no tile has yet. */
export function nextChoice(tiles: readonly Choice[], models: readonly Model[]): Choice {
  const has = (choice: Choice) => tiles.some((tile) => tile.model === choice.model && tile.strength === choice.strength);
  const names = models.filter((model) => !model.fault).map((model) => model.name);
  const all = [1, 0.5].flatMap((strength) => names.map((model) => ({ model, strength })));
  return all.find((choice) => !has(choice)) ?? { model: 'none', strength: 1 };
}

const even = (length: number) => Math.max(2, Math.round(length / 2) * 2);

/** The size of a result, as players show it; what the server makes may differ by a pixel or two. */
export function resultSize(target: Target, { width, height }: Size): Size {
  if ('scale' in target) return { width: even(width * target.scale), height: even(height * target.scale) };
  if ('height' in target) return { width: even((width / height) * target.height), height: target.height };
  const [wide = 0, high = 0] = target.fit.split('x').map(Number);
  const scale = Math.min(wide / width, high / height);
  return { width: even(width * scale), height: even(height * scale) };
}

/** Sizes that can be chosen for a video: twice and four times, and the screens that are larger than it. */
export function targets(video: Video): Target[] {
  const size = { width: video.shown_width, height: video.shown_height };
  const screens = ['1920x1080', '3840x2160'].filter((fit) => resultSize({ fit }, size).width > size.width);
  return [{ scale: 2 }, { scale: 4 }, ...screens.map((fit) => ({ fit }))];
}

export const targetKey = (target: Target) => JSON.stringify(target);

/** A name for a request that is sent again where no answer came. */
export function requestKey(): string {
  // There also where the page does not come by HTTPS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
