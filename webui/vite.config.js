// Bundles the console: hashed names, a manifest for Django, compressed copies for the static server.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig } from "vite";

const COMPRESSED = /\.(css|js|svg)$/;

function compress() {
  let place;
  return {
    name: "compress",
    apply: "build",
    configResolved(config) {
      place = config.build.outDir;
    },
    closeBundle() {
      for (const entry of readdirSync(place, { recursive: true })) {
        if (!COMPRESSED.test(entry)) continue;
        const content = readFileSync(join(place, entry));
        writeFileSync(join(place, `${entry}.gz`), gzipSync(content, { level: 9 }));
        writeFileSync(join(place, `${entry}.br`), brotliCompressSync(content));
      }
    },
  };
}

export default defineConfig({
  base: "/static/",
  publicDir: false,
  plugins: [compress()],
  build: {
    outDir: "static/dist",
    assetsDir: ".",
    assetsInlineLimit: 0,
    manifest: "manifest.json",
    modulePreload: false,
    target: "es2022",
    rollupOptions: { input: ["assets/console.js", "assets/theme.js", "assets/console.css"] },
  },
});
