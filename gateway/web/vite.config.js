import { defineConfig } from 'vite';

// React's "use client" marks, of which a page with no server components has no use.
const onLog = (level, log, handler) => log.code === 'MODULE_LEVEL_DIRECTIVE' || handler(level, log);

// The pages live at /graphql and /api/docs, their files at /_assets/: only that folder is public, the two HTML files
// are templates that the server fills with its configuration.
export default defineConfig({
  base: '/',
  build: {
    assetsDir: '_assets',
    license: { fileName: '_assets/licenses.md' },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: { input: ['explorer.html', 'docs.html'], onLog },
  },
});
