// The console's build: static files only, so that the server can embed and serve them under a
// strict Content-Security-Policy. `npm run dev` serves the sources and hands API and MQTT on to a
// running server: EZTCLOUD_URL, by default the one that `make run` starts.
import { fileURLToPath, URL } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const server = process.env.EZTCLOUD_URL ?? "https://localhost:7888";

/** What changes seldom is apart from what changes with each release. */
function libraryChunk(id: string): string | undefined {
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];

    if (name === undefined) {
        return undefined;
    }
    if (/^(vue|@vue\/.*|vue-router|vue-i18n|@intlify\/.*)$/.test(name)) {
        return "vue";
    }
    if (name === "echarts" || name === "zrender" || name === "tslib") {
        return "chart";
    }
    return name === "mqtt" ? "mqtt" : undefined;
}

export default defineConfig({
    plugins: [vue()],
    define: {
        __VUE_OPTIONS_API__: "true", // Element Plus has components in this style
        __VUE_PROD_DEVTOOLS__: "false",
        __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
        __VUE_I18N_FULL_INSTALL__: "false",
        __VUE_I18N_LEGACY_API__: "false",
        __INTLIFY_PROD_DEVTOOLS__: "false",
    },
    resolve: {
        alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) },
    },
    server: {
        port: 5173,
        proxy: {
            "^/(api|api_login|ca\\.pem|openapi\\.json)": { target: server, secure: false },
            "/mqtt": { target: server.replace(/^http/, "ws"), secure: false, ws: true },
        },
    },
    build: {
        target: "es2020",
        cssCodeSplit: false, // one small file instead of one a page
        assetsInlineLimit: 0, // nothing inline: the policy allows no data: but for images
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 1000,
        reportCompressedSize: false,
        rollupOptions: {
            output: { manualChunks: libraryChunk },
        },
    },
    test: {
        include: ["tests/**/*.test.ts"],
    },
});
