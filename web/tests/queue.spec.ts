import { expect, open, order, row, tell, test, untilHeard } from './server';

test('the queue says what runs, what needs a person and what waits', async ({ page }) => {
  await open(page);
  await expect(page.getByText('2 running, 6 waiting, 2 paused, 3 need you.')).toBeVisible();
  const running = row(page, 405);
  await expect(running.getByText('about 4 h 50 min left')).toBeVisible();
  await expect(running.getByText('61.2% of the work')).toBeVisible();
  await expect(running.getByRole('img', { name: /462 of 754 finished, \d+ of them mostly reused, 2 running, 290 waiting/ })).toBeVisible();
  await expect(row(page, 406).getByText('Reading the source: 41,200 frames so far')).toBeVisible();
  await expect(row(page, 406).getByText('time left is known after the first segment')).toBeVisible();
  await expect(row(page, 398).getByText('Frames 21053-21264 are missing in the damaged file.')).toBeVisible();
  await expect(row(page, 398).getByText('What helps: use a better copy, or --fill-gaps')).toBeVisible();
  await expect(row(page, 399).getByText('Needs 61.4 GB, 23.1 GB are free')).toBeVisible();
  await expect(page).toHaveTitle('(61%) Queue, upscaled');
});

test('progress and finished segments come by themselves, and the strip follows', async ({ page }) => {
  await open(page);
  await expect(row(page, 405).getByText('110,880')).toBeVisible();
  await untilHeard();
  await tell('tick');
  await expect(row(page, 405).getByText('110,884')).toBeVisible();
  await tell('segment');
  await expect(row(page, 405).getByRole('img', { name: /463 of 754 finished/ })).toBeVisible();
});

test('a job that is done moves to the done ones, and the counts with it', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await untilHeard();
  await tell('finish');
  await expect(page.locator('[aria-labelledby="h-done"]').getByText('Brussels by bicycle.mkv')).toBeVisible();
  await expect(page.getByText('1 running, 6 waiting')).toBeVisible();
  await expect(page.locator('[role="status"]').getByText('Brussels by bicycle.mkv is done')).toHaveCount(1);
});

test('a job is paused and goes on', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'Pause Brussels by bicycle.mkv' }).click();
  const paused = page.locator('[aria-labelledby="h-paused"]');
  await expect(paused.getByText('Brussels by bicycle.mkv')).toBeVisible();
  await expect(row(page, 405).getByText('Pausing after this segment')).toBeVisible();
  await row(page, 402).getByRole('button', { name: 'Resume' }).click();
  await expect(page.locator('ol.q').getByText('Tram ride, part 2.mkv')).toBeVisible();
});

test('work is thrown away only after a question that says how much', async ({ page }) => {
  await open(page);
  const more = page.getByRole('button', { name: 'More for Brussels by bicycle.mkv' });
  await more.click();
  await page.getByRole('menuitem', { name: 'Cancel…' }).click();
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByText('110,880 finished frames in 462 finished segments, 3.42 GB of video')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Pause instead' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(row(page, 405)).toBeVisible();
  await more.click();
  await page.getByRole('menuitem', { name: 'Cancel…' }).click();
  await dialog.getByRole('button', { name: 'Throw the work away' }).click();
  await expect(page.locator('[aria-labelledby="h-run"]').getByText('Brussels')).toHaveCount(0);
});

test('a cancelation without lost work is done at once, and can be undone', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'More for Old trailer.avi' }).click();
  await page.getByRole('menuitem', { name: 'Cancel', exact: true }).click();
  await expect(page.locator('ol.q').getByText('Old trailer.avi')).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.locator('ol.q').getByText('Old trailer.avi')).toBeVisible();
});

test('what the server refuses is said in its words', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'More for Harbour 1991.vob' }).click();
  await page.getByRole('menuitem', { name: 'Remove from the list' }).click();
  await expect(page.locator('.notes').getByText('it has 20640 finished frames; cancel it first to throw them away')).toBeVisible();
});

test.describe('the order', () => {
  const before = ['City walk 1997.avi', /Ferry/, 'Night skyline.mpg', 'Meadow, episode 01.mkv', 'Meadow, episode 02.mkv', 'Old trailer.avi'];

  test('is changed by keys, among the jobs of a priority', async ({ page }) => {
    await open(page);
    await expect(page.locator('ol.q .name')).toHaveText(before);
    const grip = page.getByRole('button', { name: /^Move Night skyline/ });
    await grip.focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowUp');
    expect((await order(page))[2]).toBe('Night skyline.mpg');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect((await order(page))[4]).toBe('Night skyline.mpg');
    await page.keyboard.press('Space');
    await expect(page.locator('[role="status"]').getByText('Night skyline.mpg has place 5 now')).toHaveCount(1);
    await expect(grip).toBeFocused();
    await page.reload();
    await expect(page.locator('ol.q .name').nth(4)).toHaveText('Night skyline.mpg');
  });

  test('is put back by Escape', async ({ page }) => {
    await open(page);
    await page.getByRole('button', { name: /^Move Night skyline/ }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    expect((await order(page))[3]).toBe('Night skyline.mpg');
    await page.keyboard.press('Escape');
    await expect(page.locator('ol.q .name')).toHaveText(before);
  });

  test('is changed by dragging', async ({ page }) => {
    await page.setViewportSize({ width: 1440, height: 1600 });
    await open(page);
    const from = await page.getByRole('button', { name: /^Move Meadow, episode 02/ }).boundingBox();
    const to = await row(page, 407).boundingBox();
    if (!from || !to) throw new Error('there are no rows');
    await page.mouse.move(from.x + 10, from.y + 10);
    await page.mouse.down();
    await page.mouse.move(to.x + 20, to.y + to.height + 20, { steps: 5 });
    await page.mouse.move(to.x + 20, to.y + 8, { steps: 8 });
    await page.mouse.up();
    await expect(page.locator('ol.q .name').nth(2)).toHaveText('Meadow, episode 02.mkv');
    await page.reload();
    await expect(page.locator('ol.q .name').nth(2)).toHaveText('Meadow, episode 02.mkv');
  });

  test('follows the priority', async ({ page }) => {
    await open(page);
    await page.getByLabel('Priority of Old trailer.avi').selectOption('High');
    await expect(page.locator('ol.q .name').nth(2)).toHaveText('Old trailer.avi');
    await page.getByRole('button', { name: 'More for Old trailer.avi' }).click();
    await page.getByRole('menuitem', { name: 'Move to the front' }).click();
    await expect(page.locator('ol.q .name').first()).toHaveText('Old trailer.avi');
  });
});

test('keys reach jobs, and the focus is never lost', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await page.keyboard.press('j');
  await expect(page.locator('[data-open="405"]')).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('p');
  await expect(row(page, 405).getByText('Pausing after this segment')).toBeVisible();
  await expect(page.locator('[data-open="406"]')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Night train.mkv' })).toBeFocused();
  await page.keyboard.press('g');
  await page.keyboard.press('q');
  await expect(page.getByRole('heading', { level: 1, name: 'Queue' })).toBeFocused();
  await page.keyboard.press('/');
  await expect(page.getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('j?');
  await expect(page.getByRole('searchbox')).toHaveValue('j?');
});

test('single letters can be turned off, and stay off', async ({ page }) => {
  await open(page);
  await page.keyboard.press('?');
  await page.getByRole('switch').click();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.reload();
  await expect(row(page, 405)).toBeVisible();
  await page.keyboard.press('?');
  await page.keyboard.press('j');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.locator('[data-open]:focus')).toHaveCount(0);
});

test.describe('without jobs', () => {
  test.use({ world: 'empty' });

  test('the page says where to drop videos', async ({ page }) => {
    await open(page);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('Drop a video into the input folder');
    await expect(page.getByText('/srv/upscaled/input')).toBeVisible();
  });
});

test('the theme is that of the system, then dark or light, and is kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await background()).toBe('rgb(18, 19, 19)');
  await page.getByRole('button', { name: 'Theme: as the system' }).click();
  expect(await background()).toBe('rgb(245, 245, 244)');
  await page.reload();
  expect(await background()).toBe('rgb(245, 245, 244)');
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await expect(page.getByRole('button', { name: 'Theme: dark' })).toBeVisible();
});

test('films have small pictures, which are asked for one at a time', async ({ page }) => {
  let [asked, most] = [0, 0];
  await page.route('**/thumbnail', async (route) => {
    most = Math.max(most, (asked += 1));
    if (route.request().url().includes('/411/')) await route.fulfill({ status: 404, json: { code: 'no_source' } });
    else await route.continue();
    asked -= 1;
  });
  await open(page);
  await expect(row(page, 405).locator('.thumb img')).toHaveCount(1);
  const shown = () => page.locator('.thumb img').count();
  const before = await shown();
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await expect.poll(shown).toBeGreaterThan(before + 2);
  expect(most).toBe(1);
  // What has no picture has its place.
  await expect(row(page, 405).locator('.thumb')).toHaveCSS('width', '80px');
});

test('what the server waits for is said, and a button goes on', async ({ page }) => {
  await tell('paused/paused%20by%20schedule%20until%2022:00');
  await open(page);
  await expect(page.getByText('Paused by schedule until 22:00.')).toBeVisible();
  await page.getByRole('button', { name: 'Work now' }).click();
  await expect(page.getByText('The server goes on, until the next pause begins.').first()).toBeVisible();
  await expect(page.getByRole('region', { name: 'The server waits' })).toHaveCount(0);
  // And back.
  await expect(page.getByText('Working outside its hours.')).toBeVisible();
  await expect(page.getByText('Without that it would be paused by schedule until 22:00.')).toBeVisible();
  await page.getByRole('button', { name: 'Back to the schedule' }).press('Enter');
  await expect(page.getByText('Paused by schedule until 22:00.')).toBeVisible();
  await expect(page.getByText('Working outside its hours.')).toHaveCount(0);
});
