import type { Page } from '@playwright/test';
import { expect, open, row, tell, test } from './server';

const tile = (page: Page, model: string) => page.locator('.choice').filter({ has: page.getByRole('radio', { name: new RegExp(`^Take ${model}`) }) });

async function choose(page: Page, name = 'Market street 1998.avi'): Promise<void> {
  await open(page, '#/new');
  const file = page.getByRole('button', { name: new RegExp(name) });
  const more = page.getByRole('button', { name: 'Show more' });
  await expect(more).toBeVisible();
  if (!(await file.isVisible())) await more.click();
  await file.click();
}

test('a video is chosen, models are compared on a frame of it, and the job begins with the one that looks right', async ({ page }) => {
  await page.goto('/#/');
  await page.getByRole('main').getByRole('link', { name: 'New job' }).click();
  await expect(page.getByRole('heading', { name: 'New job' })).toBeFocused();
  await page.getByRole('button', { name: 'Server', exact: true }).click();
  await page.getByRole('button', { name: 'library' }).click();
  await expect(page.getByText('Episode 1.mkv')).toBeVisible();
  await page.getByRole('button', { name: 'Server', exact: true }).click();
  await page.getByRole('button', { name: 'input' }).click();
  await expect(page.getByText('job 390: done')).toBeVisible();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('button', { name: /Market street/ }).click();
  await expect(page.getByText(/640×272, 42 min, 25 fps, 388 MB, mpeg4, 1 sound track/)).toBeVisible();
  await expect(page.getByRole('slider', { name: 'Time of the frame' })).toHaveAttribute('aria-valuetext', 'At 0:14:00');

  for (const [model, time] of [
    ['realesr-general-x4v3', 'about 4 h 30 min'],
    ['realesr-animevideov3', 'about 2 h 15 min'],
    ['no network', 'about 25 min'],
  ] as const) {
    await expect(tile(page, model).getByText(time, { exact: true })).toBeVisible();
    await expect(tile(page, model).getByRole('img', { name: `The frame with ${model}` })).toBeVisible();
  }
  await expect(page.getByText(/from up to 20 frames of each/)).toBeVisible();
  await page.getByRole('button', { name: 'Compare another' }).click();
  await expect(tile(page, 'film-grain-x4').getByText('about 4 h 30 min')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Compare another' })).toHaveCount(0);
  // A model that cannot be used cannot be chosen.
  await expect(tile(page, 'film-grain-x4').getByLabel('Model').getByRole('option', { name: 'half' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Take film-grain-x4 out of the comparison' }).click();
  await expect(page.locator('.choice')).toHaveCount(3);

  await page.getByLabel('1920×816').check();
  await page.getByRole('radio', { name: 'Take realesr-animevideov3' }).check();
  await tile(page, 'realesr-animevideov3').getByLabel('Strength').selectOption('0.5');
  await page.getByText('More', { exact: true }).click();
  await expect(page.getByLabel('Encoder').getByRole('option', { name: 'h264_nvenc' })).toHaveCount(0);
  await page.getByLabel('Encoder').selectOption('libx265');
  await page.getByLabel('Quality, CRF').fill('18');
  const [request] = await Promise.all([
    page.waitForRequest((one) => one.method() === 'POST' && one.url().endsWith('/api/v1/jobs')),
    page.getByRole('button', { name: 'Add to the queue' }).click(),
  ]);
  expect(request.postDataJSON()).toEqual({
    file: 'input/Market street 1998.avi',
    other_jobs: 'refuse',
    settings: {
      model: 'realesr-animevideov3',
      fit: '1920x1080',
      strength: 0.5,
      grain: 0,
      anchor: false,
      encoder: 'libx265',
      codec: null,
      preset: null,
      crf: 18,
    },
  });
  expect(request.headers()['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  await expect(page.getByText('Market street 1998.avi is in the queue.').first()).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Queue' })).toBeVisible();
  await expect(row(page, 406)).toBeVisible();
});

test('all tiles are zoomed and moved together, and show the source on request', async ({ page }) => {
  await choose(page);
  const pictures = page.locator('.tile-view img[alt^="The frame with"]');
  await expect(pictures).toHaveCount(3);
  await expect(page.getByText('about 25 min', { exact: true })).toBeVisible();
  await page.keyboard.press('4');
  await expect(page.getByRole('button', { name: '4:1' })).toHaveAttribute('aria-pressed', 'true');
  const places = () => pictures.evaluateAll((all) => all.map((one) => (one as HTMLElement).style.left));
  const before = await places();
  expect(new Set(before).size).toBe(1);
  const box = (await page.locator('.tile-view').first().boundingBox()) as { x: number; y: number };
  await page.mouse.move(box.x + 100, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 40, box.y + 60);
  await page.mouse.up();
  const after = await places();
  expect(new Set(after).size).toBe(1);
  expect(Number.parseFloat(after[0] ?? '')).toBeCloseTo(Number.parseFloat(before[0] ?? '') - 60, 0);
  await page.keyboard.press('Control+ArrowRight');
  expect((await places())[0]).not.toBe(after[0]);
  await page.keyboard.press('b');
  await expect(page.getByRole('img', { name: 'The frame of the source' })).toHaveCount(3);
  await page.keyboard.press('0');
  await expect(page.getByRole('button', { name: 'Fit' })).toHaveAttribute('aria-pressed', 'true');
});

test('what fails is said where it failed, and the others go on', async ({ page }) => {
  await tell('model/realesr-animevideov3');
  await choose(page);
  await expect(tile(page, 'realesr-animevideov3').getByText('The engine gives no numbers: try another model.')).toBeVisible();
  await expect(tile(page, 'no network').getByText('about 25 min')).toBeVisible();
  await tell('model/');
  await tile(page, 'realesr-animevideov3').getByRole('button', { name: 'Try again' }).click();
  await expect(tile(page, 'realesr-animevideov3').getByText('about 2 h 15 min')).toBeVisible();
});

test('a file that is no video, an empty folder and a broken list are said', async ({ page }) => {
  await choose(page, 'Fair 1998.avi');
  await expect(page.getByText('Fair 1998.avi cannot be shown: the file is cut off: no video that FFmpeg can open.')).toBeVisible();
  await page.getByRole('button', { name: 'Choose another file' }).click();
  await page.getByRole('button', { name: 'Summer' }).click();
  await expect(page.getByText('There are no videos in this folder, and no folders.')).toBeVisible();
  await tell('break/files');
  await page.getByRole('button', { name: 'input', exact: true }).click();
  await expect(page.getByText('The server failed; its log says why.')).toBeVisible();
  await tell('break/');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('Canal 1998.avi')).toBeVisible();
});

test('another job of the video is asked about, and nothing that was chosen is lost', async ({ page }) => {
  await choose(page, 'Waiting.mkv');
  await page.getByRole('button', { name: 'Add to the queue' }).click();
  await expect(page.getByText('Job 404 makes this video with other settings, and is not finished.')).toBeVisible();
  await page.getByRole('button', { name: 'Replace it' }).click();
  await expect(page.getByText('Waiting.mkv is in the queue.').first()).toBeVisible();
});

test('what is made of an earlier choice is given up', async ({ page }) => {
  await tell('previews/60000');
  await choose(page);
  await expect(page.getByText('Making the picture')).toHaveCount(1);
  const gone = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/previews'));
  await page.getByRole('button', { name: 'One on' }).click();
  await gone;
  await tell('previews/0');
  await page.getByRole('button', { name: 'One back' }).click();
  await expect(page.getByText('about 25 min', { exact: true })).toBeVisible();
});

test('a dropped video waits for its settings', async ({ page }) => {
  await open(page, '#/new');
  await page.locator('input[type="file"]').setInputFiles({ name: 'home.mkv', mimeType: '', buffer: Buffer.alloc(1000) });
  await expect(page.locator('.upload').getByText('It is on the server, and waits for its settings.')).toBeVisible();
  await page.getByRole('button', { name: 'Choose settings for home.mkv' }).click();
  await expect(page.getByRole('radio', { name: 'Take no network' })).toBeVisible();
  const [request] = await Promise.all([
    page.waitForRequest((one) => one.method() === 'POST' && one.url().endsWith('/api/v1/jobs')),
    page.getByRole('button', { name: 'Add to the queue' }).click(),
  ]);
  expect(request.postDataJSON()).toMatchObject({ upload: 'u1' });
});

test('the view is reached by keys', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('n');
  await expect(page.getByRole('heading', { name: 'New job' })).toBeFocused();
});
