// Settings of the made-up server.
import type { IncomingMessage } from 'node:http';
import type { Mistake, ServerSettings, Setting, SettingChange, Webhook } from '../src/api/types';
import type { Answer } from './access';

type Values = Record<string, unknown>;

const USUAL: Record<string, string> = {
  model: '"realesr-general-x4v3"', scale: '4', height: '-', width: '-', fit: '-', strength: '1', anchor: 'false', grain: '0', deinterlace: '"auto"', crop: '"off"',
  denoise: '1', codec: 'by the source', encoder: 'the first that works', encoder_options: 'none', crf: "the encoder's own", preset: "the encoder's own",
  container: 'by the source', tonemap: 'HDR stays HDR', reuse_tolerance: '0', reuse: 'true', fill_gaps: 'false', segment_frames: 'about a minute of work',
  threads: 'one a core', workers: '1', max_disk: 'what is free', keep_time: 'false', name: '"{stem}_upscaled"', subtitle_files: 'true', unconfined: 'false',
  settle: '"10m"', ignore: '[]', skip_samples: 'false', keep_jobs_days: '90', keep_jobs: '10000', listen: '["127.0.0.1:8100"]', hosts: '[]',
};
const OF_START = ['unconfined', 'listen', 'hosts'];

export class SettingsFile {
  version = 1;
  file: Values = {
    model: 'realesr-general-x4v3',
    scale: 2,
    crf: 18,
    presets: { films: { preset: 'slow', fit: '1920x1080' } },
    folders: [{ path: '/media/films', preset: 'films', exclude: ['*.trailer.mkv', 'Extras/'] }],
    schedule: { windows: ['22:00-07:00'], pause_while: ['Plex Transcoder'] },
  };
  webhooks: Webhook[] = [
    { url: 'https://ntfy.sh/…', events: null, format: 'ntfy', has_secret: true, secret_file: null, allow_private: null, page: null },
    { url: 'http://nas.lan/…', events: ['failed'], format: null, has_secret: false, secret_file: null, allow_private: null, page: null },
  ];
  fault: string | null = null;
  waits: SettingChange[] = [];
  byHand: SettingChange[] = [];

  #text(key: string): string {
    const value = this.file[key];
    return value === undefined ? (USUAL[key] ?? '-') : JSON.stringify(value);
  }

  show(): ServerSettings {
    const settings = Object.entries(USUAL).map(([key, usual]): Setting => {
      const onLine = key === 'threads';
      return {
        key,
        value: onLine ? '8' : this.#text(key),
        usual,
        origin: onLine ? 'command_line' : key in this.file ? 'file' : 'default',
        line: null,
        fixed: onLine || key === 'unconfined',
        needs_restart: OF_START.includes(key),
      };
    });
    const { fault, waits, byHand, file, webhooks } = this;
    return { path: '/srv/upscaled/upscaled.toml', version: String(this.version), settings, file, webhooks, fault, not_taken_up: byHand, waits_for_restart: waits };
  }

  change(request: IncomingMessage, changes: Values): Answer {
    if (request.headers['if-match'] !== `"${this.version}"`) {
      return { status: 412, code: 'other_version', body: 'upscaled.toml was changed meanwhile: read the settings again, and make the change anew' };
    }
    const folders = (changes.folders as Values[] | undefined) ?? [];
    const hooks = (changes.webhooks as Values[] | undefined) ?? [];
    const errors: Mistake[] = [];
    if (Number(changes.crf) > 51) errors.push({ key: 'crf', detail: `crf = ${Number(changes.crf)} cannot be: choose a number from 0 (best) to 51` });
    if (Number(changes.grain) > 1) errors.push({ key: 'grain', detail: `grain = ${Number(changes.grain)} cannot be: choose a number from 0 to 1` });
    if (Number(changes.height) > 9999) errors.push({ key: 'height', detail: `height = ${Number(changes.height)} cannot be` });
    for (const [at, folder] of folders.entries()) if (!folder.path) errors.push({ key: `folders.${at + 1}.path`, detail: 'a folder has no path: write path = "/media/films"' });
    for (const [at, hook] of hooks.entries()) {
      const was = this.webhooks[Number(hook.was)];
      if (!was && !hook.url) errors.push({ key: `webhooks.${at + 1}.url`, detail: 'a webhook needs its address, such as https://example.org/hook' });
      if (was?.has_secret && hook.url && hook.secret === undefined) errors.push({ key: `webhooks.${at + 1}.secret`, detail: 'the address is another one: give the secret again, or take it away' });
    }
    if (errors.length > 0) return { status: 422, code: 'bad_settings', body: errors.map((one) => one.detail).join('; '), more: { key: errors[0]?.key, errors } };
    if (changes.webhooks) this.webhooks = hooks.map((hook) => this.#webhook(hook));
    const told: SettingChange[] = [];
    for (const [key, value] of Object.entries(changes)) {
      if (key === 'webhooks') continue;
      const before = this.#text(key);
      const merged = (key === 'presets' || key === 'schedule') && value !== null ? { ...(this.file[key] as Values), ...(value as Values) } : value;
      if (merged === null) delete this.file[key];
      else this.file[key] = key === 'folders' ? folders.map(({ was: _, ...folder }) => folder) : merged;
      told.push({ key, before, after: this.#text(key), needs_restart: OF_START.includes(key) });
    }
    this.waits = [...this.waits, ...told.filter((change) => change.needs_restart)];
    this.byHand = [];
    this.fault = null;
    this.version += 1;
    return { status: 200, body: { changes: told, settings: this.show() } };
  }

  #webhook(hook: Values): Webhook {
    const was = this.webhooks[Number(hook.was)];
    const text = (key: string) => (typeof hook[key] === 'string' ? String(hook[key]) : null);
    const url = text('url')?.replace(/^(https?:[/][/][^/]+[/]).+$/, '$1…') ?? was?.url ?? null;
    const has_secret = hook.secret === undefined ? (was?.has_secret ?? false) : hook.secret !== null;
    return { url, events: (hook.events as string[]) ?? null, format: text('format'), has_secret, secret_file: null, allow_private: (hook.allow_private as boolean) ?? null, page: text('page') };
  }

  test(number: number): Answer {
    const hook = this.webhooks[number - 1];
    if (!hook) return { status: 404, code: 'no_webhook', body: `there is no webhook ${number}` };
    const isOpen = !hook.url?.includes('.lan') || hook.allow_private === true;
    const closed = '`nas.lan` is 192.168.1.2 (a private address), which hooks do not reach unless allow_private = true stands with them';
    return { status: 200, body: { arrived: isOpen, detail: isOpen ? 'it arrived, with 200' : closed } };
  }

  /** The file is written by hand. */
  write(what: string): void {
    this.version += 1;
    if (what === 'fault') this.fault = '`/srv/upscaled/upscaled.toml`, line 3: scale = 9 cannot be: choose a number from 1 to 8';
    else {
      this.file = { ...this.file, scale: 3 };
      this.byHand = [{ key: 'scale', before: '2', after: '3', needs_restart: false }];
    }
  }
}
