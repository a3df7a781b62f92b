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
