import { describe, expect, it } from "vitest";
import { byteSize, clockTime, dateTime, relativeTime, shellQuoted, valueText } from "@/lib/format";

const AT = new Date(2026, 2, 1, 9, 5, 7, 42).getTime();

describe("times", () => {
    it("are sortable and the same in both languages", () => {
        expect(dateTime(AT)).toBe("2026-03-01 09:05:07");
        expect(clockTime(AT)).toBe("09:05:07.042");
    });

    it.each([
        ["en", 0, "now"],
        ["en", -59_000, "59 seconds ago"],
        ["en", -60_000, "1 minute ago"],
        ["en", -3_600_000, "1 hour ago"],
        ["en", -86_400_000, "yesterday"],
        ["en", 5_000, "now"], // another clock
        ["zh-CN", -300_000, "5分钟前"],
    ])("%s %i ms", (locale, distance, text) => {
        expect(relativeTime(AT + distance, AT, locale)).toBe(text);
    });
});

describe("byteSize", () => {
    it.each([[0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [93_211, "91.0 KiB"],
        [200 * 1024, "200 KiB"], [1024 ** 3, "1.0 GiB"]])("%i", (bytes, text) => {
        expect(byteSize(bytes)).toBe(text);
    });
});

describe("valueText", () => {
    it.each([
        ["as it is", undefined, "as it is"],
        [21.5, undefined, "21.5"],
        [21.456, 1, "21.5"],
        [true, 1, "true"],
        [null, undefined, "null"],
        [{ a: [1] }, undefined, '{"a":[1]}'],
    ])("%j", (value, precision, text) => {
        expect(valueText(value, precision)).toBe(text);
    });
});

describe("shellQuoted", () => {
    it.each([["plain-1.2", "plain-1.2"], ["two words", "'two words'"], ["it's", "'it'\\''s'"],
        ["$HOME", "'$HOME'"], ["", "''"]])("%s", (text, quoted) => {
        expect(shellQuoted(text)).toBe(quoted);
    });
});
