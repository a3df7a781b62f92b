// The videos of the made-up server that are no jobs yet: folders, previews and new jobs.
import type { IncomingMessage } from 'node:http';
import type { Details, FolderEntry, NewJob, Video } from '../src/api/types';
import type { Answer } from './access';
import type { World } from './world';

const at = '2026-06-05T10:00:00Z';
const folder = (path: string): FolderEntry => ({ kind: 'folder', name: path.split('/').at(-1) ?? '', path, size: null, modified: null, jobs: [] });
const film = (path: string, size: number, jobs: FolderEntry['jobs'] = []): FolderEntry => ({
  kind: 'video',
  name: path.split('/').at(-1) ?? '',
  path,
  size,
  modified: at,
  jobs,
});

const TREE: Record<string, FolderEntry[]> = {
  '': [folder('input'), folder('library')],
  input: [
    folder('input/Summer'),
    film('input/Canal 1998.avi', 170_000_000, [{ id: 390, status: 'done' }]),
    film('input/Fair 1998.avi', 90_000_000),
    film('input/Market street 1998.avi', 388_000_000),
    film('input/Waiting.mkv', 388_000_000, [{ id: 404, status: 'queued' }]),
  ],
  'input/Summer': [],
  library: Array.from({ length: 5 }, (_, index) => film(`library/Episode ${index + 1}.mkv`, 1_200_000_000)),
};

const VIDEO: Video = {
  codec: 'mpeg4',
  width: 640,
  height: 272,
  shown_width: 640,
  shown_height: 272,
  seconds: 2520,
  frames_per_second: 25,
  interlaced: false,
  hdr: false,
  sound: 1,
  subtitles: 0,
  unfinished: null,
  made_by: null,
};

const model = (name: string, more: object = {}) => ({
  name,
  built_in: true,
  default: false,
  architecture: 'SRVGGNetCompact',
  scale: 4,
  bytes: 4_900_000,
  checksum: 'sha256:0',
  sha256: '0',
  licence: 'BSD-3-Clause',
  fault: null,
  ...more,
});
const MODELS = [
  model('realesr-general-x4v3', { default: true }),
  model('realesr-animevideov3'),
  model('film-grain-x4', { built_in: false }),
  model('half', { built_in: false, fault: 'the file is cut off' }),
];
const encoder = (name: string, codec: string, fault: string | null = null) => ({
  name,
  codec,
  hardware: false,
  least_crf: 0,
  most_crf: 51,
  default_crf: 16,
  presets: ['fast'],
  default_preset: 'fast',
  fault,
});
const ENCODERS = [encoder('h264_nvenc', 'h264', 'no device'), encoder('libx264', 'h264'), encoder('libx265', 'hevc')];

interface Asked {
  file?: string;
  upload?: string;
  at?: number;
  choices?: { model?: string; scale?: number; fit?: string; height?: number }[];
  settings?: { model?: string };
}

export class Videos {
  /** Previews wait so many milliseconds. */
  slow = 0;
  /** Previews with this model fail. */
  broken = '';
  /** Requests that made a job, by their keys. */
  readonly keys = new Map<string, Answer>();
  /** What the last request for a job said. */
  last: NewJob | null = null;

  folder(query: URLSearchParams): Answer {
    const name = query.get('folder') ?? '';
    const entries = TREE[name];
    if (!entries) return { status: 404, code: 'no_file', body: `there is no folder \`${name}\` below the folder of the server` };
    const after = query.get('after');
    const from = after === null ? 0 : entries.findIndex((entry) => entry.path === after) + 1;
    const page = entries.slice(from, from + 3);
    const next = from + 3 < entries.length ? (page.at(-1)?.path ?? null) : null;
    return { status: 200, body: { folder: name, entries: page, next, total: entries.length } };
  }

  video(query: URLSearchParams): Answer {
    if (query.get('file')?.includes('Fair')) return { status: 422, code: 'no_video', body: 'the file is cut off: no video that FFmpeg can open' };
    return { status: 200, body: VIDEO };
  }

  /** Models that were added. */
  added: ReturnType<typeof model>[] = [];
  models = (): Answer => ({ status: 200, body: { models: [...MODELS, ...this.added] } });

  addModel(file: string, bytes: number): Answer {
    const name = file.replace(/\.(pth|safetensors)$/, '');
    if ([...MODELS, ...this.added].some((one) => one.name === name)) {
      return { status: 409, code: 'name_taken', body: `there is a model \`${name}\` already: give the file another name` };
    }
    if (bytes < 100) return { status: 422, code: 'bad_model', body: `\`${file}\` cannot be used: the file is cut off` };
    const made = model(name, { built_in: false, bytes, checksum: 'blake3:1', sha256: '0badc0de', licence: null });
    this.added.push(made);
    return { status: 201, body: made };
  }

  encoders = (): Answer => ({ status: 200, body: { encoders: ENCODERS } });

  async preview(asked: Asked): Promise<Answer> {
    if (this.slow > 0) await new Promise((resolve) => setTimeout(resolve, this.slow));
    const choices = (asked.choices ?? []).map((choice) => {
      const broken = this.broken !== '' && choice.model === this.broken;
      const scale = choice.scale ?? 3;
      const picture = { href: `/api/v1/previews/${choice.model ?? 'usual'}@${640 * scale}x${272 * scale}`, width: 640 * scale, height: 272 * scale };
      return { model: choice.model ?? '', picture: broken ? null : picture, estimate: null, fault: broken ? 'the engine gives no numbers: try another model' : null, notes: [] };
    });
    const before = { href: '/api/v1/previews/source@640x272', width: 640, height: 272 };
    return { status: 200, body: { frame: 1000, at: asked.at, frames: 63_000, seconds: 2520, before, choices } };
  }

  estimate({ settings }: Asked): Answer {
    const seconds = settings?.model === 'none' ? 1500 : settings?.model === 'realesr-animevideov3' ? 8100 : 16_200;
    const body = { frames: 63_000, measured_frames: 20, seconds_per_frame: seconds / 63_000, seconds, bytes: 200_000 * Math.round(seconds), result_size: '2560x1088', encoder: 'libx264', shared: false, notes: [] };
    return { status: 200, body };
  }

  create(world: World, wanted: NewJob, request: IncomingMessage, changed: (id: number) => void): Answer {
    const key = String(request.headers['idempotency-key'] ?? '');
    const known = this.keys.get(key);
    if (known) return known;
    this.last = wanted;
    if (wanted.file?.includes('Waiting') && (wanted.other_jobs ?? 'refuse') === 'refuse') {
      return { status: 409, code: 'other_job', body: 'job 404 is of this video, with other settings, and is queued', more: { job: 404 } };
    }
    const name = wanted.file?.split('/').at(-1) ?? 'upload.mkv';
    const pattern = [...world.jobs.values()].find((job) => job.status === 'queued') as Details;
    const id = Math.max(...world.jobs.keys()) + 1;
    world.jobs.set(id, { ...pattern, id, name, source: `/srv/upscaled/${wanted.file ?? name}` });
    changed(id);
    const answer: Answer = { status: 201, body: world.jobs.get(id) };
    this.keys.set(key, answer);
    return answer;
  }
}
