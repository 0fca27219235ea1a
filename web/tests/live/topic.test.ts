import { describe, expect, it } from "vitest";
import { filterFault, filterMatches, parseTopic } from "@/live/topic";

const KEY = "PR_0123456789";

describe("filterMatches", () => {
    it.each([
        ["the same", `open/${KEY}/DU_1/alarm`, `open/${KEY}/DU_1/alarm`, true],
        ["another device", `open/${KEY}/DU_1/alarm`, `open/${KEY}/DU_2/alarm`, false],
        ["any device", `open/${KEY}/+/alarm`, `open/${KEY}/DU_2/alarm`, true],
        ["any device, another kind", `open/${KEY}/+/alarm`, `open/${KEY}/DU_2/online`, false],
        ["plus is one level", `open/${KEY}/DU_1/+`, `open/${KEY}/DU_1/data/bus`, false],
        ["hash is the rest", `open/${KEY}/DU_1/#`, `open/${KEY}/DU_1/data/bus`, true],
        ["hash is nothing too", `open/${KEY}/#`, `open/${KEY}`, true],
        ["a shorter topic", `open/${KEY}/DU_1/data/+`, `open/${KEY}/DU_1/data`, false],
        ["a bare hash is the project", "#", `open/${KEY}/DU_1/online`, true],
        ["a bare hash has no $open", "#", `$open/${KEY}/errors`, false],
        ["wildcards in front match no $", "+/+/errors", `$open/${KEY}/errors`, false],
        ["$open by name", `$open/${KEY}/errors`, `$open/${KEY}/errors`, true],
        ["shared", `$share/g/open/${KEY}/+/online`, `open/${KEY}/DU_1/online`, true],
    ])("%s", (_name, filter, topic, matches) => {
        expect(filterMatches(filter, topic, KEY)).toBe(matches);
    });
});

describe("filterFault", () => {
    it.each([
        ["", "empty"],
        ["#", null],
        ["open/+/x", null],
        ["open/a#", "hash"],
        ["open/#/x", "hash"],
        ["open/a+/x", "plus"],
        ["$share/g/open/x", null],
        ["$share/g", "share"],
        ["$share/+/open", "share"],
        ["$share//open", "share"],
    ])("%s", (filter, fault) => {
        expect(filterFault(filter)).toBe(fault);
    });
});

describe("parseTopic", () => {
    it.each([
        [`open/${KEY}/DU_1/attributes`, { device: "DU_1", kind: "attributes", stream: undefined }],
        [`open/${KEY}/DU_1/data/bus`, { device: "DU_1", kind: "data", stream: "bus" }],
        [`$open/${KEY}/DU_1/log`, { device: "DU_1", kind: "log", stream: undefined }],
        [`$open/${KEY}/errors`, null],
        ["open/PR_other/DU_1/online", null],
        ["attributes/DU_1", null],
    ])("%s", (topic, parts) => {
        expect(parseTopic(topic, KEY)).toEqual(parts);
    });
});
