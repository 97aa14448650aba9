/// <reference types="vitest/config" />
import { svelte } from "@sveltejs/vite-plugin-svelte";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vite";

declare const process: { env: Record<string, string | undefined> };
// `npm run dev` shows the app against a running `callfloor serve --demo`.
const server = process.env.CALLFLOOR ?? "http://127.0.0.1:8080";

export default defineConfig(({ mode }) => ({
	plugins: [tailwindcss(), svelte()],
	// Vitest would take Svelte's server build without this.
	resolve: mode === "test" ? { conditions: ["browser"] } : {},
	logLevel: mode === "production" ? "warn" : "info", // what was built is in dist
	build: {
		// The flow editor, which is loaded when it is opened, is large; the first
		// view's size is held by a test (e2e.TestScreens).
		chunkSizeWarningLimit: 800,
		rolldownOptions: { checks: { pluginTimings: false } },
		// The page's policy is default-src 'self': no data: URLs.
		assetsInlineLimit: 0,
		// Old hashed files must not be embedded. dist/.gitkeep is in git, so that
		// `go build` works in a fresh checkout; public/.gitkeep puts it back.
		emptyOutDir: true,
		target: "es2022",
	},
	server: { proxy: { "/api": { target: server, ws: true } } },
	test: { include: ["test/**/*.test.ts"], environment: "node" },
}));
