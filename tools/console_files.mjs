// Makes a C file that embeds the files of a folder: each as it is and, where that is smaller,
// compressed beforehand; with entity tags made from the content.
//
// usage: console_files.mjs FOLDER OUT.c
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import { constants, gzipSync } from "node:zlib";

const TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
};
// Less than this is not worth the second copy.
const WORTH = 0.9;

const [folder, out] = process.argv.slice(2).map((path) => resolve(path));
const packedFolder = join(dirname(out), "packed");

function filesBelow(path) {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)]);
}

function describe(path, index) {
    const content = readFileSync(path);
    const name = "/" + relative(folder, path).replaceAll("\\", "/");
    const type = TYPES[extname(path)];
    const tag = createHash("sha256").update(content).digest("hex").slice(0, 16);
    const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });

    if (type === undefined || !/^[\w./-]+$/.test(name)) {
        throw new Error(`${name}: no type is known for it, or its name is not plain`);
    }
    if (content.length === 0) {
        throw new Error(`${name} is empty`);
    }
    const file = { name, type, tag, path, length: content.length, symbol: `file_${index}`,
        // Vite puts a hash of the content into the names of these.
        immutable: name.startsWith("/assets/"), packedLength: 0 };
    if (packed.length < content.length * WORTH) {
        file.packedPath = join(packedFolder, `${index}.gz`);
        file.packedLength = packed.length;
        writeFileSync(file.packedPath, packed);
    }
    return file;
}

const embed = (symbol, path) =>
    `__asm__(".section .rodata\\n.balign 16\\n${symbol}:\\n.incbin \\"${path}\\"\\n.previous");\n` +
    `extern const uint8_t ${symbol}[];\n`;

const slice = (symbol, length) => (length > 0 ? `{${symbol}, ${length}}` : "{NULL, 0}");

rmSync(packedFolder, { recursive: true, force: true });
mkdirSync(packedFolder, { recursive: true });
const files = filesBelow(folder).sort().map(describe);

writeFileSync(out, `/* Made by tools/console_files.mjs from the console's build; not edited. */
#include "http/console_files.h"

${files.map((file) => embed(file.symbol, file.path) +
    (file.packedLength > 0 ? embed(`${file.symbol}_gz`, file.packedPath) : "")).join("")}
const struct static_file console_files[] = {
${files.map((file) => `    {"${file.name}", "${file.type}", "${file.tag}", ${file.immutable},
     ${slice(file.symbol, file.length)}, ${slice(`${file.symbol}_gz`, file.packedLength)}},`).join("\n")}
};
const size_t console_file_count = sizeof(console_files) / sizeof(console_files[0]);
`);
