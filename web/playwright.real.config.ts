import { defineConfig } from '@playwright/test';

// The page that the real server shows, with real jobs. UPSCALED_PROGRAM names the executable, beside which its worker lies.
const chromium = process.env.CHROMIUM;

export default defineConfig({
  testDir: 'real',
  workers: 1,
  timeout: 400_000,
  expect: { timeout: 180_000 },
  use: {
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...(chromium ? { launchOptions: { executablePath: chromium } } : {}),
  },
});
