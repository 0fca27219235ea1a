import { describe, expect, it } from "vitest";
import { faultOffset } from "@/lib/json_place";
import { bytesOfHex, hexDump, objectOf, readObject, showBytes } from "@/lib/payload";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("bytesOfHex", () => {
    it("reads digits with and without spaces", () => {
        expect(bytesOfHex("01 A0 ff")).toEqual(new Uint8Array([1, 0xa0, 0xff]));
        expect(bytesOfHex("01a0")).toEqual(new Uint8Array([1, 0xa0]));
        expect(bytesOfHex("")).toEqual(new Uint8Array());
    });

    it.each(["0", "0x01", "01 0", "zz"])("refuses %s", (text) => {
        expect(bytesOfHex(text)).toBeNull();
    });
});

describe("showBytes", () => {
    it.each([
        ["an object", bytes('{"a":1}'), "json", '{"a":1}'],
        ["a list", bytes("[1]"), "json", "[1]"],
        ["a number is text", bytes("21.5"), "text", "21.5"],
        ["nearly JSON", bytes('{"a":'), "text", '{"a":'],
        ["Chinese", bytes("温度"), "text", "温度"],
        ["lines", bytes("a\tb\n"), "text", "a\tb\n"],
        ["not UTF-8", Uint8Array.of(0xff, 0x00), "hex", "ff 00"],
        ["a zero byte", Uint8Array.of(0x41, 0x00), "hex", "41 00"],
        ["nothing", Uint8Array.of(), "text", ""],
    ])("%s", (_name, payload, format, text) => {
        expect(showBytes(payload)).toEqual({ format, text });
    });

    it("breaks hexadecimal into lines of sixteen", () => {
        expect(hexDump(new Uint8Array(17)).split("\n").map((line) => line.length)).toEqual([47, 2]);
    });
});

describe("objectOf", () => {
    it.each([['{"a":1}', { a: 1 }], ["[]", null], ["null", null], ["{", null], ["1", null]])(
        "%s", (text, value) => {
            expect(objectOf(bytes(text))).toEqual(value);
        });
});

describe("readObject", () => {
    it("reads an object", () => {
        expect(readObject('{"a": [1, 2]}')).toEqual({ ok: true, value: { a: [1, 2] } });
    });

    it("takes JSON that is no object for what it is", () => {
        expect(readObject("[1]")).toEqual({ ok: false, fault: null });
    });

    it.each([
        ['{\n  "a": 1,\n  "b": x\n}', 3, 8],
        ['{"a": 1,}', 1, 9],
        ['{"a" 1}', 1, 6],
        ['{"a": 1 "b": 2}', 1, 9],
        ["[1 2]", 1, 4],
        ["[1,]", 1, 4],
        ["{", 1, 2],
        ["", 1, 1],
        ["{}\n{}", 2, 1],
        ["01", 1, 1],
        ["[tru]", 1, 2],
        ["{'a': 1}", 1, 2],
        ['"a\nb"', 1, 1],
        ['{"a": [1, {"b": }]}', 1, 17],
    ])("says where %j is broken", (text, line, column) => {
        expect(readObject(text)).toEqual({ ok: false, fault: { line, column } });
    });

    it.each(['{"a": "\\u00e9\\n"}', "[]", '[1.5e-3, -0, true, null, {"a": {}}]', " {} \n"])(
        "finds nothing in %s", (text) => {
            expect(faultOffset(text)).toBeNull();
            expect(() => JSON.parse(text)).not.toThrow();
        });
});
