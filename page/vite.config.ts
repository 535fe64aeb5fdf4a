import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

// The built page is committed and served by `tamis app`; names are fixed so that a change of it
// is a change of these files, and the server says when a browser's copy is out of date.
export default defineConfig({
  plugins: [svelte()],
  base: '/',
  build: {
    outDir: '../src/tamis/interfaces/server/static',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/page.js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/page.[ext]',
      },
    },
  },
  server: {
    proxy: { '/api': { target: 'http://127.0.0.1:8090' } },
  },
})
