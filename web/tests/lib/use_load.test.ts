import { effectScope, type EffectScope } from "vue";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Problem } from "@/api/http";
import { readAll, useLoad, usePages, type Loaded } from "@/lib/use_load";

let scope: EffectScope;
let answers: { resolve: (value: string[]) => void; reject: (error: unknown) => void }[];

const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 0));
const load = (): Loaded<string[]> => scope.run(() => useLoad(() =>
    new Promise<string[]>((resolve, reject) => answers.push({ resolve, reject }))))!;

beforeEach(() => {
    scope = effectScope();
    answers = [];
});
afterEach(() => scope.stop());

describe("useLoad", () => {
    it("shows what was read, and what went wrong beside what was known", async () => {
        const loaded = load();
        expect(loaded.loading.value).toBe(true);
        answers[0].resolve(["a"]);
        await settle();
        expect([loaded.data.value, loaded.loading.value]).toEqual([["a"], false]);
        void loaded.reload();
        answers[1].reject(new Problem("network", 0));
        await settle();
        expect(loaded.problem.value?.code).toBe("network");
        expect([loaded.data.value, loaded.loading.value]).toEqual([["a"], false]);
    });

    it("keeps the last of several readings, in whatever order they end", async () => {
        const loaded = load();
        void loaded.reload();
        answers[1].resolve(["new"]);
        answers[0].resolve(["old"]);
        await settle();
        expect(loaded.data.value).toEqual(["new"]);
    });

    it("keeps what a message said while an older answer was on its way", async () => {
        const loaded = load();
        loaded.change((items) => [...items, "live"]);
        expect(loaded.data.value).toBeNull();
        answers[0].resolve(["read"]);
        await settle();
        expect(loaded.data.value).toEqual(["read", "live"]);
        loaded.change((items) => [...items, "later"]);
        expect(loaded.data.value).toEqual(["read", "live", "later"]);
        void loaded.reload();
        answers[1].resolve(["read again"]);
        await settle();
        expect(loaded.data.value).toEqual(["read again"]);
    });

    it("changes nothing after its end", async () => {
        const loaded = load();
        scope.stop();
        answers[0].resolve(["late"]);
        await settle();
        expect(loaded.data.value).toBeNull();
    });
});

describe("usePages", () => {
    it("goes forwards and back, and begins again", async () => {
        const asked: (string | undefined)[] = [];
        const pages = scope.run(() => usePages((cursor) => {
            asked.push(cursor);
            const next = cursor === undefined ? "2" : cursor === "2" ? "3" : null;
            return Promise.resolve({ items: [cursor ?? "1"], next });
        }))!;
        await settle();
        await pages.next();
        await pages.next();
        expect([pages.data.value, pages.number.value, pages.hasNext.value])
            .toEqual([["3"], 3, false]);
        await pages.next();
        await pages.previous();
        expect([pages.data.value, pages.number.value]).toEqual([["2"], 2]);
        await pages.restart();
        expect(asked).toEqual([undefined, "2", "3", "2", undefined]);
    });
});

describe("readAll", () => {
    it("reads page after page, up to a limit", async () => {
        const read = (cursor?: string) => Promise.resolve({ items: [Number(cursor ?? 0)],
            next: String(Number(cursor ?? 0) + 1) });
        expect(await readAll(read, 3)).toEqual([0, 1, 2]);
    });
});
