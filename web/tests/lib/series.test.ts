import { describe, expect, it } from "vitest";
import { numberOf, SeriesStore } from "@/lib/series";

describe("numberOf", () => {
    it.each([[1.5, 1.5], [true, 1], ["OFF", 0], ["on", null], ["3", null], [NaN, null],
        [null, null], [{}, null]])("%j", (value, number) => {
        expect(numberOf(value)).toBe(number);
    });
});

describe("SeriesStore", () => {
    it("keeps points in the order of their times", () => {
        const store = new SeriesStore(1000);
        store.add("t", 100, 1);
        store.add("t", 300, 3);
        store.add("t", 200, 2);
        expect(store.of("t")).toEqual([[100, 1], [200, 2], [300, 3]]);
    });

    it("forgets what is old and what is too much", () => {
        const store = new SeriesStore(1000, 3);
        store.add("t", 0, 0);
        store.add("t", 1500, 1);
        expect(store.of("t")).toEqual([[1500, 1]]);
        [1600, 1700, 1800].forEach((ts) => store.add("t", ts, 1));
        expect(store.of("t").map(([ts]) => ts)).toEqual([1600, 1700, 1800]);
    });

    it("takes numbers and switches, and knows which is which", () => {
        const store = new SeriesStore(1000);
        expect(store.add("mode", 1, "eco")).toBe(false);
        expect(store.add("t", 1, 20)).toBe(true);
        expect(store.add("power", 1, "ON")).toBe(true);
        expect(store.names()).toEqual(["power", "t"]);
        expect(store.hasSteps("power")).toBe(true);
        expect(store.hasSteps("t")).toBe(false);
    });
});
