import { defineConfig, type Plugin } from "vite";

// What Gatehouse serves: its API, its pages and their files. Everything else is Vite's.
const GATEHOUSE =
  "^/(api|auth|login|logout|register|invitation|account|sessions|email|password|static|\\.well-known)(/|\\?|$)|^/gatehouse\\.js$";

// gatehouse.js comes from Gatehouse, in development and in production: it is not bundled.
// The dev server takes only a whole URL as external.
let gatehouseJs = "/gatehouse.js";
const gatehouse: Plugin = {
  name: "gatehouse",
  enforce: "pre",
  configResolved({ command, server }) {
    if (command === "serve") gatehouseJs = `http://localhost:${server.port}/gatehouse.js`;
  },
  resolveId: (id) => (id === "/gatehouse.js" ? { id: gatehouseJs, external: true } : null),
};

export default defineConfig({
  plugins: [gatehouse],
  server: {
    port: 5173,
    strictPort: true, // another port would be another origin
    proxy: {
      [GATEHOUSE]: { target: process.env.GATEHOUSE ?? "http://127.0.0.1:8000", changeOrigin: false },
    },
  },
});
