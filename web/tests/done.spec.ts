import { expect, open, row, tell, test, untilHeard } from './server';

test.describe('ten thousand jobs', () => {
  test.use({ world: 'many' });

  test('leave the parts of the queue within reach', async ({ page }) => {
    await open(page);
    await expect(page.locator('ol.q > li')).toHaveCount(100);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await expect(page.getByRole('link', { name: 'Show all' })).toBeInViewport();
    await expect(page.locator('ol.q > li')).toHaveCount(100);
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect(page.locator('ol.q > li')).toHaveCount(200);
    await expect(page.getByText('200 of 400.')).toBeVisible();
  });

  test('come page by page', async ({ page }) => {
    await open(page, '#/done');
    await expect(page.getByText('10,000 jobs are done, 1 failed.')).toBeVisible();
    const rows = page.locator('table tr[data-job]');
    await expect(rows).toHaveCount(100);
    await expect(page.getByText('100 of 10,001.')).toBeVisible();
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await expect(rows).toHaveCount(200);
  });

  test('scroll and change without a stutter', async ({ page }) => {
    await open(page, '#/done');
    const rows = page.locator('table tr[data-job]');
    for (let pages = 1; pages <= 20; pages += 1) {
      await expect(rows).toHaveCount(pages * 100);
      await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    }
    // The longest task while progress comes and a row is chosen, with two thousand rows in the page.
    await page.evaluate(() => {
      const page = window as unknown as { longest: number };
      page.longest = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) page.longest = Math.max(page.longest, entry.duration);
      }).observe({ type: 'longtask' });
    });
    for (let ticks = 0; ticks < 5; ticks += 1) await tell('tick');
    await rows.nth(1500).getByRole('checkbox').click();
    await expect(page.getByText('1 selected')).toBeVisible();
    const longest = await page.evaluate(() => (window as unknown as { longest: number }).longest);
    test.info().annotations.push({ type: 'longest task', description: `${longest} ms` });
    expect(longest).toBeLessThan(400);
  });

  test('are searched, and chosen by their state', async ({ page }) => {
    await open(page, '#/done');
    await page.getByRole('searchbox').fill('season 12, episode 3.mkv');
    await expect(page.locator('table tr[data-job]')).toHaveCount(1);
    await expect(page.getByText('1 job.')).toBeVisible();
    await page.getByRole('searchbox').fill('no such film');
    await expect(page.getByText('No job has “no such film” in its path.')).toBeVisible();
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('State').selectOption('Failed, 1');
    await expect(page.locator('table tr[data-job]')).toHaveCount(1);
    await expect(row(page, 398).getByText('stopped after 6 h')).toBeVisible();
  });

  test('keep their place while a job is looked at', async ({ page }) => {
    await open(page, '#/done');
    const rows = page.locator('table tr[data-job]');
    await expect(rows).toHaveCount(100);
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await expect(rows).toHaveCount(200);
    await rows.nth(150).scrollIntoViewIfNeeded();
    const place = await page.evaluate(() => window.scrollY);
    const name = (await rows.nth(150).locator('.name').textContent()) ?? '';
    await rows.nth(150).locator('.name').click();
    await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
    await page.goBack();
    await expect(rows).toHaveCount(200);
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(place);
  });
});

test('jobs are selected one by one, as a range and by keys, and removed together', async ({ page }) => {
  await open(page, '#/done');
  await page.getByLabel('Select Roofs.mp4').click();
  await page.getByLabel('Select Meadow, pilot.mkv').click({ modifiers: ['Shift'] });
  await expect(page.getByText('3 selected')).toBeVisible();
  await page.getByRole('button', { name: 'Clear the selection' }).click();
  await page.locator('[data-open="390"]').focus();
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('Shift+X');
  await expect(page.getByText('2 selected')).toBeVisible();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(row(page, 390)).toHaveCount(0);
  await expect(row(page, 391)).toHaveCount(0);
  await expect(page.getByText('2 jobs were removed from the list. Results stay on the disk.').last()).toBeVisible();
  await expect(page.locator('[data-open="392"]')).toBeFocused();
});

test('a selection outlives what happens meanwhile', async ({ page }) => {
  await open(page, '#/done');
  await page.getByLabel('Select Roofs.mp4').click();
  await untilHeard();
  await tell('finish');
  await expect(page.locator('table').getByText('Brussels by bicycle.mkv')).toBeVisible();
  await expect(page.getByLabel('Select Roofs.mp4')).toBeChecked();
});

test('a result is downloaded', async ({ page }) => {
  await open(page, '#/done');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByLabel('Download the result of Roofs.mp4').click()]);
  expect(download.suggestedFilename()).toBe('film_upscaled.mkv');
  await expect(row(page, 393).getByText('Done, result not at its place')).toBeVisible();
  await expect(page.getByLabel('Download the result of Away.mkv')).toHaveCount(0);
});
