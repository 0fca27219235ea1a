import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { get, Problem, tagOf } from "@/api/http";
import { isSame, patchKnown, removeKnown } from "@/api/known";

interface Thing {
    name: string;
    enabled?: boolean;
    definition?: unknown;
    device_count: number;
}

// A server of one thing, whose tag is that of all its members.
let now: Thing;
let asked: string[];

const tagNow = (): string => `"${JSON.stringify(now)}"`;
const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
    new Response(JSON.stringify(body), { status, headers });

async function answer(_target: string, init: RequestInit): Promise<Response> {
    const headers = init.headers as Record<string, string>;
    const ifMatch = headers["If-Match"];

    asked.push(ifMatch === undefined ? init.method! : `${init.method} if ${ifMatch === tagNow()}`);
    if (init.method !== "GET" && ifMatch !== undefined && ifMatch !== tagNow()) {
        return json(412, { type: "urn:eztcloud:problem:gone_stale" });
    }
    if (init.method === "PATCH") {
        Object.assign(now, JSON.parse(init.body as string));
    }
    if (init.method === "DELETE") {
        return new Response(null, { status: 204 });
    }
    return json(200, now, init.method === "GET" ? { ETag: tagNow() } : {});
}

beforeEach(() => {
    now = { name: "Pump", enabled: true, definition: { a: 1, b: [1, 2] }, device_count: 3 };
    asked = [];
    vi.stubGlobal("fetch", vi.fn(answer));
});
afterEach(() => vi.unstubAllGlobals());

/** Something happens behind the next answer to such a request. */
function fetchAfter(method: string, happens: () => void): void {
    let done = false;
    vi.stubGlobal("fetch", vi.fn(async (target: string, init: RequestInit) => {
        const response = await answer(target, init);
        if (init.method === method && !done) {
            done = true;
            happens();
        }
        return response;
    }));
}

const change = (known: object, members: object): Promise<Thing> =>
    patchKnown<Thing>("/thing", known, members);
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(() => null, (error: unknown) => (error as Problem).code);

describe("a thing that was read", () => {
    it("has a tag that is no member", async () => {
        const known = await get<Thing>("/thing");
        expect(tagOf(known)).toBe(tagNow());
        expect(JSON.parse(JSON.stringify(known))).toEqual(now);
        expect(Object.keys(known)).toEqual(Object.keys(now));
        expect(tagOf({ ...known })).toBeUndefined();
    });
});

describe("patchKnown", () => {
    it("changes what nobody else has changed, at once", async () => {
        const known = await get<Thing>("/thing");
        expect((await change(known, { name: "Motor" })).name).toBe("Motor");
        expect(asked).toEqual(["GET", "PATCH if true"]);
    });

    it("changes nothing when somebody else has changed the same", async () => {
        const known = await get<Thing>("/thing");
        now.name = "Valve";
        expect(await codeOf(change(known, { name: "Motor" }))).toBe("gone_stale");
        now.definition = { a: 2 };
        expect(await codeOf(change(known, { definition: { a: 3 } }))).toBe("gone_stale");
        expect([now.name, now.definition]).toEqual(["Valve", { a: 2 }]);
    });

    it("is not in the way of other changes", async () => {
        const known = await get<Thing>("/thing");
        now.device_count = 4;
        now.name = "Valve";
        expect(await change(known, { definition: { a: 3 } })).toMatchObject(
            { name: "Valve", definition: { a: 3 }, device_count: 4 });
        expect(asked).toEqual(["GET", "PATCH if false", "GET", "PATCH if true"]);
    });

    it("agrees with those who wanted the same", async () => {
        const known = await get<Thing>("/thing");
        now.enabled = false;
        now.definition = { b: [1], a: 9 };
        expect(await change(known, { enabled: false, definition: { a: 9, b: [1] } }))
            .toMatchObject({ enabled: false, definition: { a: 9, b: [1] } });
    });

    it("looks again when something changes between looking and changing", async () => {
        const known = await get<Thing>("/thing");
        now.device_count = 4;
        asked = [];
        fetchAfter("GET", () => {
            now.device_count = 5;
        });
        expect((await change(known, { name: "Motor" })).device_count).toBe(5);
        expect(asked).toEqual(["PATCH if false", "GET", "PATCH if false", "GET", "PATCH if true"]);
    });

    it("gives up where it never stays as it is", async () => {
        const known = await get<Thing>("/thing");
        vi.stubGlobal("fetch", vi.fn(async (target: string, init: RequestInit) => {
            const response = await answer(target, init);
            now.device_count++;
            return response;
        }));
        now.device_count++;
        expect(await codeOf(change(known, { name: "Motor" }))).toBe("gone_stale");
        expect(now.name).toBe("Pump");
    });

    it("reads first what is known from a list alone", async () => {
        expect((await change({ name: "Pump" }, { name: "Motor" })).name).toBe("Motor");
        expect(await codeOf(change({ name: "Pump" }, { name: "Valve" }))).toBe("gone_stale");
        expect(asked).toEqual(["GET", "PATCH if true", "GET"]);
    });

    it("compares what the caller takes from the answer", async () => {
        const call = (known: object): Promise<unknown> => patchKnown<Thing, Thing>("/thing", known,
            { name: "Motor" }, (read) => ({ name: `the ${read.name}` }));
        expect(await codeOf(call({ name: "Pump" }))).toBe("gone_stale");
        expect(await codeOf(call({ name: "the Pump" }))).toBeNull();
    });

    it("says what else goes wrong", async () => {
        vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(
            json(404, { type: "urn:eztcloud:problem:not_found" }))));
        expect(await codeOf(change({}, { name: "Motor" }))).toBe("not_found");
    });
});

describe("removeKnown", () => {
    const removal = (known: Thing): Promise<void> => removeKnown("/thing", known, "name", "enabled");

    it("removes what is as it was read, at once", async () => {
        await removal(await get<Thing>("/thing"));
        expect(asked).toEqual(["GET", "DELETE if true"]);
    });

    it("removes nothing that somebody else has changed", async () => {
        const known = await get<Thing>("/thing");
        now.name = "Valve";
        expect(await codeOf(removal(known))).toBe("gone_stale");
        expect(asked).toEqual(["GET", "DELETE if false", "GET"]);
    });

    it("does not mind what changes by itself", async () => {
        const known = await get<Thing>("/thing");
        now.device_count = 4;
        await removal(known);
        expect(asked).toEqual(["GET", "DELETE if false", "GET", "DELETE if true"]);
    });

    it("looks first at what is known from a list alone", async () => {
        await removal({ ...now });
        expect(asked).toEqual(["GET", "DELETE if true"]);
    });
});

describe("values of JSON", () => {
    it.each([
        [1, 1, true], [1, "1", false], [null, {}, false], [{}, [], false], [[], [], true],
        [[1, 2], [2, 1], false], [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
        [{ a: 1 }, { a: 1, b: 2 }, false], [{ a: undefined }, { b: undefined }, false],
        [{ a: [{ b: null }] }, { a: [{ b: null }] }, true], [undefined, undefined, true],
    ])("%j and %j: %s", (a, b, same) => {
        expect(isSame(a, b)).toBe(same);
        expect(isSame(b, a)).toBe(same);
    });
});
