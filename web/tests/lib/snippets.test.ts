import { describe, expect, it } from "vitest";
import { addressOf, snippet, SNIPPETS, type SnippetFacts } from "@/lib/snippets";

const facts: SnippetFacts = {
    projectKey: "PR_0123456789", secret: "s3cret", mqtts: "mqtts://iot.example.com:7887",
    wss: "wss://iot.example.com:7886/mqtt", https: "https://iot.example.com:7888", ownCa: true,
};

describe("addressOf", () => {
    it.each([
        ["mqtts://h:7887", "h", 7887],
        ["mqtts://h", "h", 8883],
        ["wss://h:7886/mqtt", "h", 7886],
        ["mqtts://[::1]:7887", "::1", 7887],
    ])("%s", (url, host, port) => {
        expect(addressOf(url, 8883)).toEqual({ host, port });
    });
});

describe("snippets", () => {
    it.each(SNIPPETS)("%s holds what is needed", (name) => {
        const text = snippet(name, facts);
        expect(text).toContain("iot.example.com");
        expect(text).toContain("PR_0123456789");
        expect(text).toContain("s3cret");
        expect(text).toContain("ca.pem");
    });

    it.each(SNIPPETS)("%s needs no file under a public certificate", (name) => {
        expect(snippet(name, { ...facts, ownCa: false })).not.toContain("ca.pem");
    });

    it("quotes for the shell", () => {
        expect(snippet("mosquitto", { ...facts, secret: "a'b c" })).toContain("-P 'a'\\''b c'");
    });
});
