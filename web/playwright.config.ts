import { defineConfig } from '@playwright/test';

// The built page under the policy of the server, with a made-up server behind it.
// CHROMIUM names a browser of the system, where Playwright's own is not installed.
const chromium = process.env.CHROMIUM;
// PORT names another port, where several trees are tested at once.
const port = process.env.PORT ?? '4173';

export default defineConfig({
  testDir: 'tests',
  // All tests share one made-up server.
  workers: 1,
  fullyParallel: false,
  use: {
    baseURL: `http://localhost:${port}`,
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...(chromium ? { launchOptions: { executablePath: chromium } } : {}),
  },
  webServer: {
    command: `npx vite preview --config dev/vite.config.ts --port ${port} --strictPort`,
    url: `http://localhost:${port}`,
    reuseExistingServer: true,
  },
});
