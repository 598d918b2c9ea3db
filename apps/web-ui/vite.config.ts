import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

/** Where `vite` (the development server) finds an API: any Prometheus-compatible server. */
const api = process.env["NARTHEX_API"] ?? "http://127.0.0.1:9090";

export default defineConfig({
  plugins: [
    preact(),
    {
      // A chosen theme is applied by the first script; nothing may be painted before it in the other one.
      name: "theme-before-paint",
      transformIndexHtml: {
        order: "post",
        handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
      },
    },
  ],
  // Relative addresses: the page works below any route prefix.
  base: "./",
  build: {
    outDir: "dist",
    // The server's page, and the Alertmanager's.
    rolldownOptions: { input: ["index.html", "alertmanager.html"] },
    emptyOutDir: true,
    target: "es2023",
    // Nothing inlined as data: or as a script in the page: the content security policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { "/api": api, "/-/": api } },
});
