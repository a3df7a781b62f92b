import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { address, expect, open, port as served, row, tell, test, untilHeard } from './server';

test('without an answer the page says since when, and recovers by itself', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await tell('offline');
  await expect(page.getByText(/No answer from the server since \d\d:\d\d\./)).toBeVisible();
  await expect(page.getByText(/Trying again in \d s\./)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Pause Brussels by bicycle.mkv' })).toBeDisabled();
  await expect(row(page, 405).getByText('about 4 h 50 min left')).toBeVisible();
  await expect(row(page, 405).getByText(/done at about/)).toHaveCount(0);
  await tell('online');
  await expect(page.getByText('No answer from the server since')).toHaveCount(0, { timeout: 20_000 });
  await untilHeard();
  await tell('tick');
  await expect(row(page, 405).getByText('110,884')).toBeVisible();
});

test('what happened without an answer is there afterwards', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await tell('offline');
  await expect(page.getByText(/No answer from the server since/)).toBeVisible();
  await tell('finish');
  await tell('online');
  await page.getByRole('button', { name: 'Try now' }).click();
  await expect(page.locator('[aria-labelledby="h-done"]').getByText('Brussels by bicycle.mkv')).toBeVisible();
});

test('a page of an earlier version says so, and loads again only when asked', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await tell('offline');
  await expect(page.getByText(/No answer from the server since/)).toBeVisible();
  await tell('version/9.9.9');
  await tell('online');
  await page.getByRole('button', { name: 'Try now' }).click();
  await expect(page.getByText('The server was updated.')).toBeVisible();
  await page.getByRole('button', { name: 'Load again' }).click();
  await expect(row(page, 405)).toBeVisible();
  await expect(page.getByText('The server was updated.')).toHaveCount(0);
});

test('missed events lead to everything being read again', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  const [read] = await Promise.all([page.waitForRequest(/jobs\?state=waiting/), untilHeard().then(() => tell('missed'))]);
  expect(read.method()).toBe('GET');
});

test('loading has shapes after a moment, and a failure has a reason', async ({ page }) => {
  await tell('slow/1500');
  await page.goto('/#/');
  await expect(page.getByLabel('Loading jobs')).toBeVisible();
  await expect(row(page, 405)).toBeVisible();
  await tell('slow/0');
  await tell('break/jobs');
  await page.reload();
  await expect(page.getByText('The list could not be loaded: the server failed; its log says why.')).toBeVisible();
  await tell('world/usual');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(row(page, 405)).toBeVisible();
});

test('the page works below a path of a proxy', async ({ page }) => {
  const asked: string[] = [];
  // Pictures that the page holds itself go to no server.
  page.on('request', (request) => request.url().startsWith('http') && asked.push(new URL(request.url()).pathname));
  const proxy = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/below\/a\/path/, '');
    const { method, headers } = request;
    const onward = ask({ host: 'localhost', port: served, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((done) => proxy.listen(0, 'localhost', done));
  const { port } = proxy.address() as AddressInfo;
  await page.goto(`http://localhost:${port}/below/a/path/#/jobs/390`);
  await expect(page.getByText('In the source')).toBeVisible();
  await page.getByRole('navigation').first().getByRole('link', { name: 'Queue' }).click();
  await expect(row(page, 405)).toBeVisible();
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((path) => !path.startsWith('/below/a/path/'))).toEqual([]);
  proxy.closeAllConnections();
  proxy.close();
});

test('a page that nobody sees gives its connection back, and has what happened when it is seen', async ({ page }) => {
  await open(page);
  await expect(row(page, 405)).toBeVisible();
  await untilHeard();
  const becomes = (state: string) =>
    page.evaluate((state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  const watched = async () => (await fetch(`${address}mock/watched`, { method: 'POST' })).status;
  await becomes('hidden');
  await expect.poll(watched, { timeout: 20_000 }).not.toBe(204);
  await tell('finish');
  await becomes('visible');
  await expect(page.locator('[aria-labelledby="h-done"]').getByText('Brussels by bicycle.mkv')).toBeVisible();
  await untilHeard();
});
