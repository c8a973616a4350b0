import { defineConfig } from 'vite';

// React's "use client" marks, of which a page with no server components has no use.
const onLog = (level, log, handler) => log.code === 'MODULE_LEVEL_DIRECTIVE' || handler(level, log);

// The pages live at /, /graphql and /api/docs, perhaps below a prefix, so addresses are relative; their files are at /_assets/.
// Only that folder is public: the HTML files are templates that the server fills with its configuration.
export default defineConfig({
  base: './',
  build: {
    assetsDir: '_assets',
    license: { fileName: '_assets/licenses.md' },
    chunkSizeWarningLimit: 4000,
    rolldownOptions: { input: ['plain/start.html', 'explorer.html', 'docs.html'], onLog },
  },
});
