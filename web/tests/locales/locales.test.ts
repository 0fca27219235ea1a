import { describe, expect, it } from "vitest";
import en from "@/locales/en";
import zhCN from "@/locales/zh-CN";

type Tree = { [name: string]: string | Tree };

function flat(tree: Tree, prefix = ""): Map<string, string> {
    const texts = new Map<string, string>();
    for (const [name, value] of Object.entries(tree)) {
        if (typeof value === "string") {
            texts.set(prefix + name, value);
        } else {
            flat(value, `${prefix}${name}.`).forEach((text, key) => texts.set(key, text));
        }
    }
    return texts;
}

const english = flat(en);
const chinese = flat(zhCN);
// Names that are the same in every language.
const SAME = new RegExp("^(api\\.(project(Key|Secret|Token)|snippet\\w+|mqtts|wss)|" +
    "alarms\\.valueHint|settings\\.projectKey|types\\.json)$");

const holesOf = (text: string): string[] =>
    [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((hole) => hole[1]))].sort();

const sources = import.meta.glob("../../src/**/*.{vue,ts}",
    { query: "?raw", import: "default", eager: true }) as Record<string, string>;
const code = Object.entries(sources).filter(([path]) => !path.includes("/locales/"))
    .map(([, text]) => text).join("\n");

describe("texts", () => {
    it("are the same set in both languages", () => {
        expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
    });

    it.each([...english.keys()])("%s", (key) => {
        const text = chinese.get(key) ?? "";
        expect(holesOf(text)).toEqual(holesOf(english.get(key) ?? ""));
        expect(text).not.toBe("");
        if (!SAME.test(key)) {
            expect(text).toMatch(/[\u4e00-\u9fff]/);
        }
    });

    it("that pages ask for exist", () => {
        const asked = [...code.matchAll(/\bt\(\s*["']([a-zA-Z_.]+)["']/g)].map((call) => call[1]);
        expect(asked.length).toBeGreaterThan(200);
        expect(asked.filter((key) => !english.has(key))).toEqual([]);
    });

    it("are used", () => {
        // Keys that are put together (`kind.${kind}`) are used as a group.
        const groups = new Set([...code.matchAll(/`([a-zA-Z]+)\.\$\{/g)].map((group) => group[1]));
        const unused = [...english.keys()].filter((key) =>
            !groups.has(key.split(".")[0]) && !code.includes(`"${key}"`) &&
            !code.includes(`'${key}'`));
        expect(unused).toEqual([]);
    });
});
