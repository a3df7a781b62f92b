// A made-up server's jobs. Nothing here is part of the page.
import type { Counts, Details, Job, Priority, Report, Segment, System, WaitingFile } from '../src/api/types';

const HOUR = 3_600_000;
const ROOT = '/srv/upscaled';
const FRAMES = 240;

export interface World {
  system: System;
  jobs: Map<number, Details>;
  segments: Map<number, Segment[]>;
  files: WaitingFile[];
  lastEvent: number;
}

const ago = (hours: number) => new Date(Date.now() - hours * HOUR).toISOString();

function job(id: number, name: string, more: Partial<Details> = {}): Details {
  return {
    id,
    status: 'queued',
    doing: 'queued',
    phase: 'index',
    frames: null,
    frames_read: null,
    frames_done: 0,
    segments: 0,
    segments_done: 0,
    frames_per_second: null,
    seconds_left: null,
    stalled_seconds: null,
    seconds_needed: null,
    bytes: 0,
    engine: null,
    source: `${ROOT}/input/${name}`,
    name: name.split('/').at(-1) ?? name,
    result: null,
    result_gone: false,
    reason: null,
    bytes_needed: null,
    priority: 'normal',
    model: 'realesr-general-x4v3',
    source_size: null,
    result_size: null,
    part: null,
    crop: null,
    reused_frames: 0,
    reused_pixels: 0,
    added: ago(30),
    started: null,
    ended: null,
    failed_attempts: 0,
    notes: [],
    settings: settings() as Details['settings'],
    work_folder: `${ROOT}/output/${name}.job`,
    disk_held: 0,
    codec: null,
    seconds: null,
    encoder: null,
    seconds_taken: null,
    subtitle_files: [],
    attempts: [],
    ...more,
  };
}

function settings(): object {
  return {
    model: { built_in: { name: 'realesr-general-x4v3' } },
    denoise: 1,
    target: { scale: 4 },
    crf: null,
    preset: null,
    container: null,
    segment_frames: null,
    reuse: 0,
    fill_gaps: false,
    codec: null,
    encoder: null,
    tonemap: false,
    again: false,
    deinterlace: 'auto',
    strength: 1,
    grain: 0,
  };
}

/** A job whose source was read, with `done` of its `count` segments finished. */
function made(id: number, name: string, count: number, done: number, more: Partial<Details> = {}): Details {
  const frames = count * FRAMES;
  return job(id, name, {
    phase: 'segments',
    frames,
    frames_done: done * FRAMES,
    segments: count,
    segments_done: done,
    bytes: done * 7_400_000,
    disk_held: done * 7_600_000,
    source_size: '640x272',
    result_size: '2560x1088',
    codec: 'mpeg4',
    seconds: frames / 25,
    encoder: 'libx264',
    started: ago(8),
    reused_frames: Math.round(done * FRAMES * 0.05),
    reused_pixels: 0.074,
    ...more,
  });
}

function plan(count: number, done: number, running: number, failedAt: number | null = null): Segment[] {
  return Array.from({ length: count }, (_, number) => ({
    number,
    first: number * FRAMES,
    end: (number + 1) * FRAMES,
    state: number < done ? ('finished' as const) : number < done + running ? ('running' as const) : ('waiting' as const),
    failed_attempts: number === failedAt ? 3 : 0,
    reused_frames: number < done ? (number % 29 < 3 ? 200 : 4) : null,
  }));
}

function done(id: number, name: string, hours: number, took: number, more: Partial<Details> = {}): Details {
  const count = 40 + (id % 300);
  return made(id, name, count, count, {
    status: 'done',
    doing: 'done',
    phase: 'publish',
    result: `${ROOT}/output/${name.replace(/\.[^.]*$/, '')}_upscaled.mkv`,
    started: ago(hours + took),
    ended: ago(hours),
    seconds_taken: took * 3600,
    bytes: 200_000_000 + (id % 97) * 23_000_000,
    engine: 'cpu (avx2, 8 threads)',
    disk_held: 0,
    ...more,
  });
}

const LINES = [
  'segment 86 finished: 240 frames in 63.0 s, checked',
  '[mpeg2video] Warning MVs not available',
  '[mpeg2video] ac-tex damaged at 22 17',
  'frames 21053-21264 are missing in the damaged file',
];

function failed(): Details {
  const frames = { segment: 86, first_frame: 20_640, end_frame: 20_880 };
  const reason = 'frames 21053-21264 are missing in the damaged file';
  return made(398, 'Harbour 1991.vob', 410, 86, {
    status: 'failed',
    doing: 'failed',
    reason: {
      text: reason,
      remedy: {
        code: 'fill_gaps',
        words: 'use a better copy, or --fill-gaps to take what is there and show the picture before where one is missing',
      },
    },
    ended: ago(2),
    source_size: '720x576',
    result_size: '2880x2304',
    failed_attempts: 2,
    attempts: [
      { at: ago(2.2), ...frames, reason: 'the worker was killed: it gave no sign of life for 10 min', signal: 9, exit_code: null, last_lines: LINES.slice(0, 2) },
      { at: ago(2), ...frames, reason, signal: null, exit_code: 3, last_lines: LINES },
    ],
    notes: [{ text: 'the video is interlaced: it is deinterlaced', remedy: null }],
  });
}

/** A server with a job in every state. */
export function usual(): World {
  const running = { status: 'running', doing: 'upscaling', engine: 'cpu (avx2, 8 threads)' };
  const waits = { source_size: '720x405', result_size: '2880x1620' };
  const all = [
    made(405, 'Brussels by bicycle.mkv', 754, 462, { ...running, frames_per_second: 3.9, seconds_left: 17_400, encoder: 'libx264' }),
    job(406, 'Night train.mkv', { status: 'running', doing: 'reading', frames_read: 41_200, started: ago(0.01) }),
    failed(),
    made(399, 'Cup on the table.mov', 41, 5, {
      status: 'waiting for space',
      doing: 'waiting for space',
      bytes_needed: 61_400_000_000,
      reason: { text: 'there is too little space on the disk of the result', remedy: { code: 'smaller_result', words: 'choose a smaller --scale, --height, --width or --fit' } },
    }),
    job(400, 'series/Lighthouse, part 1.mkv', {
      status: 'waiting for folder',
      doing: 'waiting for folder',
      reason: { text: 'the disk of `/media/series` is away', remedy: null },
    }),
    job(410, 'City walk 1997.avi', { priority: 'high' }),
    job(411, 'Ferry crossing, uncut and in a version with a very long name that does not end soon.mkv', { priority: 'high' }),
    made(407, 'Night skyline.mpg', 300, 12, waits),
    job(408, 'Meadow, episode 01.mkv', { model: 'realesr-animevideov3' }),
    job(409, 'Meadow, episode 02.mkv', { model: 'realesr-animevideov3', part: '00:01:00-00:02:00' }),
    job(412, 'Old trailer.avi', { priority: 'low' }),
    made(402, 'Tram ride, part 2.mkv', 220, 84, { status: 'paused', doing: 'paused' }),
    made(403, 'Tram ride, part 3.mkv', 220, 3, { status: 'paused', doing: 'pausing' }),
    done(390, 'Roofs.mp4', 3, 2.7, {
      notes: [
        { text: 'sound 2: its sound was converted to PCM, without loss', remedy: null },
        { text: 'two video streams: the first is enlarged', remedy: { code: 'other_stream', words: 'choose another with --stream' } },
      ],
      subtitle_files: ['Roofs_upscaled.en.srt'],
    }),
    done(391, 'Night skyline, trailer.mpg', 20, 0.1, waits),
    done(392, 'Meadow, pilot.mkv', 27, 0.8, { reused_pixels: 0.51 }),
    done(393, 'Away.mkv', 50, 0.5, { result_gone: true, doing: 'done, result gone' }),
    made(394, 'Wrong film.mkv', 200, 20, { status: 'canceled', doing: 'canceled', started: ago(30), ended: ago(29) }),
  ];
  const world = empty();
  for (const one of all) world.jobs.set(one.id, one);
  world.segments.set(405, plan(754, 462, 2));
  world.segments.set(398, plan(410, 86, 0, 86));
  world.segments.set(399, plan(41, 5, 0));
  world.segments.set(407, plan(300, 12, 0));
  world.segments.set(402, plan(220, 84, 0));
  world.segments.set(403, plan(220, 3, 1));
  world.files = [
    { path: `${ROOT}/input/Harbour 1992.vob`, size: 1_017_638_912, modified: ago(0.01), since: ago(0.02), reason: 'it still grows' },
    { path: `${ROOT}/input/notes/list.mkv`, size: 0, modified: ago(5), since: ago(5), reason: 'it is empty' },
  ];
  return world;
}

/** A server with ten thousand jobs. */
export function many(): World {
  const world = empty();
  for (const one of usual().jobs.values()) if (one.status === 'running' || one.status === 'failed') world.jobs.set(one.id, one);
  for (let id = 1000; id < 1400; id += 1) world.jobs.set(id, job(id, `Meadow, season 3, episode ${id - 999}.mkv`));
  for (let id = 2000; id < 12_000; id += 1) {
    const name = `Meadow, season ${Math.floor((id - 2000) / 24) + 1}, episode ${((id - 2000) % 24) + 1}.mkv`;
    world.jobs.set(id, done(id, name, (12_000 - id) * 0.7, 0.6 + (id % 7) / 10));
  }
  return world;
}

export function empty(): World {
  return {
    system: {
      version: '0.9.0',
      started: ago(70),
      root: ROOT,
      input: `${ROOT}/input`,
      output: `${ROOT}/output`,
      model: 'realesr-general-x4v3',
      unconfined: false,
      output_free: 23_100_000_000,
      stopping: false,
      queue: { jobs: 0, unknown: 0, seconds_left: null },
    },
    jobs: new Map(),
    segments: new Map(),
    files: [],
    lastEvent: 100,
  };
}

export const worlds: Record<string, () => World> = { usual, many, empty };

const RANK: Record<Priority, number> = { high: 0, normal: 1, low: 2 };

export const kindOf = (one: Job): keyof Counts =>
  (['running', 'paused', 'failed', 'done', 'canceled'] as const).find((kind) => kind === one.status) ?? 'waiting';

/** The list in its order: what runs, what waits by priority and place, what has ended. */
export function inOrder(world: World): Details[] {
  const hasEnded = (one: Job) => ['done', 'failed', 'canceled'].includes(one.status);
  const all = [...world.jobs.values()];
  const open = all.filter((one) => !hasEnded(one));
  const ended = all.filter(hasEnded).sort((a, b) => (b.ended ?? '').localeCompare(a.ended ?? '') || b.id - a.id);
  // A sort is stable, so that jobs of a priority keep their places.
  open.sort((a, b) => Number(a.status !== 'running') - Number(b.status !== 'running') || RANK[a.priority] - RANK[b.priority]);
  return [...open, ...ended];
}

export function counts(world: World): Counts {
  const found: Counts = { running: 0, waiting: 0, paused: 0, failed: 0, done: 0, canceled: 0 };
  for (const one of world.jobs.values()) found[kindOf(one)] += 1;
  return found;
}

export function report(one: Details): Report {
  return {
    version: '0.9.0',
    source: {
      path: one.source,
      bytes: 702_000_000,
      format: 'matroska,webm',
      streams: [
        { index: 0, kind: 'video', codec: 'mpeg4' },
        { index: 1, kind: 'audio', codec: 'ac3', language: 'fre' },
        { index: 2, kind: 'audio', codec: 'pcm_dvd', language: 'dut', title: 'Commentary' },
        { index: 3, kind: 'subtitle', codec: 'mov_text', language: 'fre' },
        { index: 4, kind: 'data', codec: 'bin_data' },
      ],
    },
    result: {
      path: one.result ?? '',
      bytes: one.bytes,
      format: 'matroska,webm',
      streams: [
        { index: 0, kind: 'video', codec: 'h264' },
        { index: 1, kind: 'audio', codec: 'ac3', language: 'fre' },
        { index: 2, kind: 'audio', codec: 'pcm_s16le', language: 'dut', title: 'Commentary' },
        { index: 3, kind: 'subtitle', codec: 'subrip', language: 'fre' },
      ],
    },
    model: { name: one.model, checksum: 'blake3:ccc76cc66f01fd42a3b1f6d9e4c1a7f0b2d6c8e9f7a5b3c1d9e8f7a6b5c4d3e2' },
    encoder: {
      encoder: 'libx264',
      pixel_format: 'yuv420p',
      quality: 16,
      preset: 'veryfast',
      refused: ['h264_nvenc: Cannot load libcuda.so.1', 'h264_qsv: unsupported (-3)'],
    },
    engine: one.engine ?? '',
    frames: one.frames ?? null,
    frames_per_second: 3.9,
    filled: [],
    notes: ['sound 2: its sound was converted to PCM, without loss', 'subtitles 1: subtitles were converted from mov_text to SubRip', 'data 1 was left out: the result has no place for it'],
    checks: { frames_decoded: one.frames ?? 0, largest_time_error_milliseconds: 0 },
    subtitle_files: { taken: one.subtitle_files, notes: [] },
  };
}
