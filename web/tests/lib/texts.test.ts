import { describe, expect, it } from "vitest";
import { conditionInput, conditionText, conditionValue } from "@/lib/alarm_text";
import { enumText, enumValues } from "@/lib/enum_values";
import { csv, linesOf } from "@/lib/lists";
import { logEntryOf, mergeLog, payloadOf } from "@/lib/message_log";
import { sampleParams } from "@/lib/samples";
import type { LogEntry } from "@/api/types";

describe("conditions of alarm rules", () => {
    it.each([["80", 80], ["-1.5e3", -1500], ["true", true], ["ON", "ON"], ['"80"', "80"],
        [" broken ", "broken"]])("%s", (text, value) => {
        expect(conditionValue(text)).toBe(value);
        expect(conditionValue(conditionInput(value))).toBe(value);
    });

    it("are said in one line", () => {
        expect(conditionText({ attribute: "t", operator: ">", value: 80 })).toBe("t > 80");
    });
});

describe("values of an enum", () => {
    it("are numbers where they look like it, unless quoted, and come back the same", () => {
        const values = enumValues('eco\n\n 7 \n"7"\ncomfort');
        expect(values).toEqual(["eco", 7, "7", "comfort"]);
        expect(enumValues(enumText(values))).toEqual(values);
    });
});

describe("lists", () => {
    it("are lines", () => {
        expect(linesOf(" a\n\nb, c;d ")).toEqual(["a", "b", "c", "d"]);
        expect(linesOf(" \n ")).toBeNull();
    });

    it("become CSV that a spreadsheet reads and does not run", () => {
        expect(csv([["a", 'say "hi"'], ["=1+1", "x,y"]]))
            .toBe('a,"say ""hi"""\r\n\'=1+1,"x,y"\r\n');
    });
});

describe("the message log", () => {
    const entry = (number: number): LogEntry => ({ number, ts: number, direction: "up",
        topic: "attributes/DU_1", qos: 1, payload: "{}", format: "json", length: 2, verdict: "accepted",
        reason: null });

    it("holds each entry once, the newest first", () => {
        expect(mergeLog([entry(3), entry(2)], [entry(2), entry(1)]).map((each) => each.number))
            .toEqual([3, 2, 1]);
    });

    it("goes on with what comes after a restart, when numbers begin again", () => {
        expect(mergeLog([{ ...entry(1), ts: 9 }], [entry(2), entry(1)])
            .map((each) => [each.number, each.ts])).toEqual([[1, 9], [2, 2], [1, 1]]);
    });

    it("reads live entries and nothing else", () => {
        const bytes = (value: unknown): Uint8Array =>
            new TextEncoder().encode(JSON.stringify(value));
        expect(logEntryOf(bytes(entry(1)))).toEqual(entry(1));
        expect(logEntryOf(bytes({ topic: "x" }))).toBeNull();
        expect(logEntryOf(bytes([1]))).toBeNull();
    });

    it.each([["hex", "00ffa1", "hex", "00 ff a1"], ["json", '{"a":1}', "json", '{"a":1}'],
        ["text", "温度 21", "text", "温度 21"], ["text", "\u0001\u0003", "hex", "01 03"]] as const)(
        "shows %s %s", (format, payload, shown, text) => {
            expect(payloadOf({ ...entry(1), format, payload })).toEqual({ format: shown, text });
        });
});

describe("samples", () => {
    it("pass the definition that they are made from", () => {
        expect(sampleParams([{ id: "after", type: "number", minimum: 5 },
            { id: "low", type: "number", maximum: -5 }, { id: "mode", type: "enum", values: ["eco"] },
            { id: "on", type: "switch" }, { id: "list", type: "list" }]))
            .toEqual({ after: 5, low: -5, mode: "eco", on: true, list: [] });
    });
});
