// The made-up server of the tests, and what each test begins with.
import { expect, test as base, type Page } from '@playwright/test';

export const port = Number(process.env.PORT ?? 4173);
export const address = `http://localhost:${port}/`;

/** Tells the made-up server something: see dev/mock.ts. */
export async function tell(what: string): Promise<void> {
  const answer = await fetch(`${address}mock/${what}`, { method: 'POST' });
  expect(answer.status).toBe(204);
}

export const test = base.extend<{ world: string; strict: undefined }>({
  world: ['usual', { option: true }],
  strict: [
    async ({ page, world }, use) => {
      await tell(`world/${world}`);
      const mistakes: string[] = [];
      page.on('pageerror', (error) => mistakes.push(error.message));
      // What the policy forbids is told on the console.
      page.on('console', (message) => {
        if (/Content Security Policy|Refused to/.test(message.text())) mistakes.push(message.text());
      });
      await use(undefined);
      expect(mistakes).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function open(page: Page, hash = '#/'): Promise<void> {
  await page.goto(`/${hash}`);
  await expect(page.locator('h1')).toBeVisible();
}

/** Waits until the page hears what happens. */
export async function untilHeard(): Promise<void> {
  const isHeard = async () => (await fetch(`${address}mock/watched`, { method: 'POST' })).status;
  await expect.poll(isHeard).toBe(204);
}

/** The row or card of a job, by its number. */
export const row = (page: Page, id: number) => page.locator(`main [data-job="${id}"]`);

/** Names of the jobs that wait, in their order. */
export const order = (page: Page) => page.locator('ol.q .name').allTextContents();
