// The page for developers: with a made-up server, or before a real one that UPSCALED names (UPSCALED=http://127.0.0.1:8100).
import { defineConfig, mergeConfig } from 'vite';
import base from '../vite.config';
import { mock } from './mock';

const real = process.env.UPSCALED;

export default mergeConfig(
  base,
  defineConfig({
    plugins: real ? [] : [mock()],
    // The server compares the host that a request is for with the page that it comes from.
    server: real ? { proxy: { '/api': { target: real, changeOrigin: false } } } : {},
  }),
);
