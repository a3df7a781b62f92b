import type { Page } from '@playwright/test';
import { expect, open, tell, test, untilHeard } from './server';

test('a failed job has its reason, what helps, and the evidence', async ({ page }) => {
  await open(page, '#/jobs/398');
  await expect(page.getByText('What helps: use a better copy')).toBeVisible();
  await expect(page.getByRole('img', { name: /86 of 410 finished, .*1 with failed attempts/ })).toBeVisible();
  const evidence = page.getByRole('tabpanel', { name: 'Failed attempts' });
  await expect(evidence.getByText('[mpeg2video] ac-tex damaged at 22 17')).toBeVisible();
  await expect(evidence.getByText('20,640 to 20,879').first()).toBeVisible();
  await evidence.locator('summary').nth(1).click();
  await expect(evidence.getByText('Signal')).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(page.locator('h1 + .line').getByText('Waiting')).toBeVisible();
});

test('a running job is followed to its end, with its report', async ({ page }) => {
  await open(page, '#/jobs/405');
  await expect(page.getByText('Running: making 2 segments, 462 of 754 are finished')).toBeVisible();
  await untilHeard();
  await tell('tick');
  await expect(page.getByText('110,884')).toBeVisible();
  await expect(page).toHaveTitle('(61%) Brussels by bicycle.mkv, upscaled');
  await tell('finish');
  await expect(page.getByRole('link', { name: 'Download' })).toBeVisible();
  await expect(page.getByRole('img', { name: /all 754 are finished/ })).toBeVisible();
  const report = page.getByRole('tabpanel', { name: 'Report' });
  await expect(report.getByText('Data 1 was left out: the result has no place for it.')).toBeVisible();
  await expect(report.getByRole('region', { name: 'In the source' }).getByText('mov_text')).toBeVisible();
  await expect(report.getByText('h264_nvenc: Cannot load libcuda.so.1')).toBeVisible();
});

test('a job that is not there says so', async ({ page }) => {
  await open(page, '#/jobs/99');
  await expect(page.getByRole('heading', { name: 'This job is not there' })).toBeVisible();
  await page.getByRole('link', { name: 'To the queue' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Queue' })).toBeVisible();
});

test('tabs are moved by arrows', async ({ page }) => {
  await open(page, '#/jobs/398');
  await page.getByRole('tab', { name: 'Failed attempts' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Settings' })).toBeFocused();
  await expect(page.getByRole('tabpanel', { name: 'Settings' }).getByText('fill_gaps')).toBeVisible();
});

test('a frame is compared before and after, and another one is chosen', async ({ page }) => {
  await open(page, '#/jobs/405');
  const stage = page.getByRole('region', { name: 'Frames of Brussels by bicycle.mkv, before and after' });
  await expect(stage.getByRole('img', { name: /, upscaled$/ })).toBeVisible();
  const cut = stage.getByRole('slider', { name: 'Cut between source and upscaled' });
  await cut.focus();
  await page.keyboard.press('Home');
  await expect(stage.getByRole('img', { name: /, upscaled$/ })).toHaveCSS('clip-path', 'inset(0px)');
  await stage.getByRole('button', { name: '4:1' }).click();
  const width = (await stage.getByRole('img', { name: /, upscaled$/ }).boundingBox())?.width;
  expect(width).toBe(2560 * 4);
  // What is not made yet has its source, and says so.
  await stage.getByRole('slider', { name: 'Frame', exact: true }).focus();
  await page.keyboard.press('End');
  await expect(stage.getByRole('img', { name: 'Frame 180,959 of the source' })).toBeVisible();
  await expect(stage.getByText('This frame is not made yet.')).toBeVisible();
  await expect(stage.getByRole('img', { name: /, upscaled$/ })).toHaveCount(0);
  await page.keyboard.press(',');
  await expect(stage.getByText('Frame 180,958')).toBeVisible();
});

/** Seconds by which the source is ahead of what is upscaled, as they are played. */
const apart = (page: Page) =>
  page.evaluate(() => {
    const [upscaled, source] = [...document.querySelectorAll('video')];
    return upscaled && source ? source.currentTime - upscaled.currentTime : NaN;
  });

test('the source is played beside, and in step', async ({ page }) => {
  await open(page, '#/jobs/390');
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  const upscaled = page.locator('video').first();
  const lead = (what: (video: HTMLVideoElement) => unknown) => upscaled.evaluate(what);
  await lead((video) => video.play());
  await expect.poll(() => lead((video) => video.currentTime)).toBeGreaterThan(0.5);
  await page.getByRole('button', { name: 'Beside the source' }).press('Enter');
  const source = page.getByLabel(/, the source, played without sound/);
  const of = (what: (video: HTMLVideoElement) => unknown) => source.evaluate(what);
  const isNear = async (within: number) => {
    await expect.poll(async () => Math.abs(await apart(page)), { intervals: [100], timeout: 8000 }).toBeLessThan(within);
  };
  await expect.poll(() => of((video) => (video as HTMLVideoElement).paused)).toBe(false);
  expect(await of((video) => (video as HTMLVideoElement).muted)).toBe(true);
  await isNear(0.1);
  // It stays so.
  for (let look = 0; look < 10; look += 1) {
    await page.waitForTimeout(150);
    expect(Math.abs(await apart(page))).toBeLessThan(0.1);
  }
  await lead((video) => (video.playbackRate = 2));
  await expect.poll(() => of((video) => Math.abs((video as HTMLVideoElement).playbackRate - 2))).toBeLessThan(0.5);
  await isNear(0.1);
  await lead((video) => (video.currentTime = 12));
  await expect.poll(() => of((video) => (video as HTMLVideoElement).currentTime)).toBeGreaterThan(11);
  await isNear(0.1);
  await lead((video) => video.pause());
  await expect.poll(() => of((video) => (video as HTMLVideoElement).paused)).toBe(true);
  await lead((video) => (video.currentTime = 3));
  await expect.poll(() => of((video) => Math.abs((video as HTMLVideoElement).currentTime - 3))).toBeLessThan(0.03);
  // What is a fifth of a second off is brought back while it plays.
  await lead((video) => {
    video.playbackRate = 1;
    return video.play();
  });
  await isNear(0.1);
  await of((video) => ((video as HTMLVideoElement).currentTime += 0.2));
  await isNear(0.08);
  await page.getByRole('button', { name: 'Beside the source' }).click();
  await expect(page.locator('video')).toHaveCount(1);
});

test('a source that cannot be played says so, and the result plays on', async ({ page }) => {
  for (const [how, why] of [
    ['odd', 'This browser cannot play the container or the codec of the source.'],
    ['away', 'The source cannot be played: the source is gone: put it back.'],
  ] as const) {
    await tell(`source/${how}`);
    await open(page, '#/jobs/390');
    await page.reload();
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.getByRole('button', { name: 'Beside the source' }).click();
    await expect(page.getByText(why)).toBeVisible();
    await page.locator('video').first().evaluate((video: HTMLVideoElement) => video.play());
    await expect.poll(() => page.locator('video').first().evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(0.2);
  }
});
