// The settings of the server as fields: what a person types, what the file has, and the change between two states of it.
import type { Encoder, Model, Webhook } from '../api/types';

/** What a file, a preset or a folder has. */
export type Values = Record<string, unknown>;

/** `flag` is on, off or not set; `pairs` are names with values, one a line; `secret` is not shown. */
export type Kind = 'text' | 'number' | 'switch' | 'flag' | 'choice' | 'list' | 'pairs' | 'secret';

export interface Field {
  key: string;
  kind: Kind;
  options?: readonly string[];
}

const field = (key: string, kind: Kind, options?: readonly string[]): Field => (options ? { key, kind, options } : { key, kind });

/** Sizes, of which a table has one at most. */
export const SIZES = ['scale', 'height', 'width', 'fit'] as const;
export type SizeKey = (typeof SIZES)[number];

export const PICTURE: readonly Field[] = [
  field('strength', 'number'),
  field('anchor', 'switch'),
  field('grain', 'number'),
  field('denoise', 'number'),
  field('deinterlace', 'choice', ['off', 'auto', 'frame', 'field', 'telecine']),
  field('crop', 'text'),
  field('tonemap', 'choice', ['sdr']),
];
export const ENCODING: readonly Field[] = [
  field('codec', 'choice', ['h264', 'hevc', 'av1', 'prores', 'ffv1']),
  field('encoder', 'choice'),
  field('crf', 'number'),
  field('preset', 'text'),
  field('encoder_options', 'pairs'),
  field('container', 'choice', ['mkv', 'mp4']),
];
export const RESULTS: readonly Field[] = [
  field('name', 'text'),
  field('subtitle_files', 'switch'),
  field('keep_time', 'switch'),
  field('fill_gaps', 'switch'),
];
export const INTAKE: readonly Field[] = [field('settle', 'text'), field('ignore', 'list'), field('skip_samples', 'switch')];
export const WORK: readonly Field[] = [
  field('threads', 'number'),
  field('workers', 'number'),
  field('max_disk', 'text'),
  field('keep_jobs_days', 'number'),
  field('keep_jobs', 'number'),
];
/** How the work on a video is cut, and what of it is left out. */
export const EFFORT: readonly Field[] = [field('reuse', 'switch'), field('reuse_tolerance', 'number'), field('segment_frames', 'number')];
export const SCHEDULE: readonly Field[] = [field('windows', 'list'), field('pause_while', 'list'), field('pause_above_load', 'number')];
export const REACH: readonly Field[] = [field('listen', 'list'), field('hosts', 'list'), field('unconfined', 'switch')];
export const FOLDER: readonly Field[] = [field('name', 'text'), field('include', 'list'), field('exclude', 'list'), field('read_only', 'switch')];

/** A webhook; its address and its secret are held by the server and not told. */
export const WEBHOOK: readonly Field[] = [
  field('url', 'text'),
  field('events', 'list'),
  field('format', 'choice', ['json', 'ntfy']),
  field('secret', 'secret'),
  field('page', 'text'),
  field('allow_private', 'switch'),
];

/** The same for a table within the file, where a switch may also not be set. */
export const within = (fields: readonly Field[]): readonly Field[] =>
  fields.map((one) => (one.kind === 'switch' ? { ...one, kind: 'flag', options: ['on', 'off'] } : one));

/** The fields with what this machine has to choose from. */
export function withChoices(fields: readonly Field[], encoders: readonly Encoder[]): readonly Field[] {
  const names = encoders.filter((one) => !one.fault).map((one) => one.name);
  return fields.map((one) => (one.key === 'encoder' ? { ...one, options: names } : one));
}

export const modelNames = (models: readonly Model[]): string[] => [...models.filter((one) => !one.fault).map((one) => one.name), 'none'];

/** What a field shows of a value. */
export function shown(kind: Kind, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (kind === 'flag' && typeof value === 'boolean') return value ? 'on' : 'off';
  if (kind === 'pairs' && typeof value === 'object') return Object.entries(value).map(([name, one]) => `${name} = ${String(one)}`).join('\n');
  if (kind === 'list') return Array.isArray(value) ? value.map(String).join('\n') : JSON.stringify(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value);
}

/** What a field's text means; undefined where nothing is to be set. What is no number stays a text, for the server to say so. */
export function meant(kind: Kind, text: string): unknown {
  const trimmed = text.trim();
  if (kind === 'list') {
    const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
    return lines.length > 0 ? lines : undefined;
  }
  if (trimmed === '') return undefined;
  if (kind === 'flag') return trimmed === 'on';
  if (kind === 'pairs') {
    const lines = trimmed.split('\n').map((line) => line.trim()).filter((line) => line !== '');
    const pairs = lines.map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1).trim()]);
    // What has no name stays a text, for the server to say so.
    return lines.every((line) => line.indexOf('=') > 0) ? Object.fromEntries(pairs) : trimmed;
  }
  if (kind !== 'number') return trimmed;
  const value = Number(trimmed.replace(',', '.'));
  return Number.isFinite(value) ? value : trimmed;
}

/** The same values with another one for a key. */
export function put(values: Values, key: string, value: unknown): Values {
  const { [key]: _, ...others } = values;
  return value === undefined ? others : { ...values, [key]: value };
}

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const table = (value: unknown): Values => (typeof value === 'object' && value !== null ? (value as Values) : {});
export const foldersOf = (file: Values): readonly Values[] => (Array.isArray(file.folders) ? (file.folders as Values[]) : []);
export const presetsOf = (file: Values): Record<string, Values> => table(file.presets) as Record<string, Values>;
export const scheduleOf = (file: Values): Values => table(file.schedule);

export const webhooksOf = (file: Values): readonly Values[] => (Array.isArray(file.webhooks) ? (file.webhooks as Values[]) : []);

/** What of a webhook is told and can be changed. */
export const webhookOf = ({ events, format, allow_private, page }: Webhook): Values =>
  Object.fromEntries(Object.entries({ events, format, allow_private, page }).filter(([, value]) => value !== null && value !== undefined));

const placed = (values: Values, key: string, all: readonly Values[]): Values =>
  all.length > 0 ? put(values, key, all.map((one, was) => ({ was, ...one }))) : values;

/** A file whose folders and webhooks know their places. */
export const withPlaces = (file: Values, webhooks: readonly Webhook[] = []): Values =>
  placed(placed(file, 'folders', foldersOf(file)), 'webhooks', webhooks.map(webhookOf));

function between(before: Values, after: Values, names: Iterable<string>): Values {
  const changes: Values = {};
  for (const name of names) if (!same(before[name], after[name])) changes[name] = after[name] ?? null;
  return changes;
}

const keysOf = (...all: readonly Values[]) => new Set(all.flatMap((one) => Object.keys(one)));

/** What a request says to make one state of the file of another. */
export function changesOf(before: Values, after: Values): Values {
  const plain = [...keysOf(before, after)].filter((key) => !['presets', 'folders', 'schedule', 'webhooks'].includes(key));
  const changes = between(before, after, plain);
  const [old, next] = [presetsOf(before), presetsOf(after)];
  const presets: Values = {};
  for (const name of keysOf(old, next)) {
    const [one, other] = [old[name], next[name]];
    if (other === undefined) presets[name] = null;
    else if (one === undefined) presets[name] = other;
    else if (!same(one, other)) presets[name] = between(one, other, keysOf(one, other));
  }
  if (Object.keys(presets).length > 0) changes.presets = presets;
  const [was, is] = [scheduleOf(before), scheduleOf(after)];
  const schedule = between(was, is, keysOf(was, is));
  if (Object.keys(schedule).length > 0) changes.schedule = schedule;
  if (!same(foldersOf(before), foldersOf(after))) changes.folders = foldersOf(after);
  if (!same(webhooksOf(before), webhooksOf(after))) changes.webhooks = webhooksOf(after);
  return changes;
}

/** How many settings a change is of. */
export function countOf(changes: Values): number {
  const inner = (value: unknown) => (value === null ? 1 : Math.max(1, Object.keys(table(value)).length));
  return Object.entries(changes).reduce((sum, [key, value]) => {
    if (key === 'presets') return sum + Object.values(table(value)).reduce((all: number, one) => all + inner(one), 0);
    return sum + (key === 'schedule' ? inner(value) : 1);
  }, 0);
}

/** The kind of size that a table has; null for the usual one. */
export const sizeOf = (values: Values): SizeKey | null => SIZES.find((key) => values[key] !== undefined) ?? null;

/** The same values with another size. */
export function putSize(values: Values, key: SizeKey | null, value: unknown): Values {
  const others = SIZES.reduce((all, one) => put(all, one, undefined), values);
  return key === null ? others : put(others, key, value);
}

/** What a kind of size begins with. */
export const FIRST_SIZE: Record<SizeKey, unknown> = { scale: 2, height: 1080, width: 1920, fit: '1920x1080' };

/** True for the name of a file that may be a model. */
export const isModelName = (name: string): boolean => /\.(pth|safetensors)$/i.test(name);
