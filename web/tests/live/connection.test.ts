import { EventEmitter } from "node:events";
import type { IClientOptions, MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveConnection, type LiveMessage } from "@/live/connection";

const KEY = "PR_0123456789";
const HOUR = 3_600_000;

/** An MQTT client whose server is the test. */
class FakeClient extends EventEmitter {
    readonly subscribed: string[] = [];
    readonly unsubscribed: string[] = [];
    ended = false;
    grant = 0;
    /** Answers to subscriptions that are held back until `answer()`. */
    held: (() => void)[] | null = null;

    constructor(readonly options: IClientOptions) {
        super();
    }

    subscribe(filter: string, _options: unknown,
        answer: (error: Error | null, granted: unknown, packet: unknown) => void): void {
        const tell = (): void => answer(this.grant >= 0x80 ? new Error("refused") : null, [],
            { granted: [this.grant], properties: { reasonString: "why" } });
        this.subscribed.push(filter);
        if (this.held === null) {
            tell();
        } else {
            this.held.push(tell);
        }
    }

    answer(): void {
        this.held?.splice(0).forEach((tell) => tell());
    }

    unsubscribe(filter: string): void {
        this.unsubscribed.push(filter);
    }

    publish(_topic: string, _payload: string, _options: unknown,
        answer: (error?: Error) => void): void {
        this.emit("packetreceive", { cmd: "puback", reasonCode: this.grant,
            properties: { reasonString: "told" } });
        answer(this.grant >= 0x80 ? new Error("refused") : undefined);
    }

    end(): void {
        this.ended = true;
    }

    message(topic: string, payload: string, user: Record<string, string> = {}): void {
        this.emit("message", topic, Buffer.from(payload), { qos: 1, retain: false,
            properties: { userProperties: user } });
    }
}

let clients: FakeClient[];
let passes: number;
let live: LiveConnection;

const last = (): FakeClient => clients[clients.length - 1];
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(async () => {
    vi.useFakeTimers();
    clients = [];
    passes = 0;
    live = new LiveConnection(KEY, {
        fetchPass: () => Promise.resolve({ username: KEY, password: `p1.${++passes}`,
            expires_ms: Date.now() + HOUR }),
        connect: (options) => {
            clients.push(new FakeClient(options));
            return last() as unknown as MqttClient;
        },
        now: () => Date.now(),
    });
    live.start();
    await settle();
});

afterEach(() => {
    live.close();
    vi.useRealTimers();
});

describe("LiveConnection", () => {
    it("connects with a pass, in MQTT 5, and without a worker of the library's", () => {
        expect(last().options).toMatchObject({ username: KEY, password: "p1.1",
            protocolVersion: 5, clean: true, reconnectPeriod: 0, timerVariant: "native" });
        expect(live.state).toBe("connecting");
        last().emit("connect");
        expect(live.state).toBe("live");
    });

    it("hands out messages to those whose filter matches", () => {
        const all: LiveMessage[] = [];
        const alarms: LiveMessage[] = [];
        live.subscribe(`open/${KEY}/#`, (message) => all.push(message));
        live.subscribe(`open/${KEY}/+/alarm`, (message) => alarms.push(message));
        last().emit("connect");
        last().message(`open/${KEY}/DU_1/attributes`, "{}", { ts: "1700000000123" });
        last().message(`open/${KEY}/DU_1/alarm`, "{}");
        expect(all.map((message) => message.topic)).toHaveLength(2);
        expect(alarms).toHaveLength(1);
        expect(all[0].ts).toBe(1700000000123);
        expect(alarms[0].ts).toBe(Date.now());
    });

    it("subscribes again after a loss, and tells when that has taken effect", async () => {
        const settled = vi.fn();
        live.onSettled(settled);
        live.subscribe(`open/${KEY}/+/online`, () => {});
        last().emit("connect");
        expect(settled).toHaveBeenCalledTimes(1);
        last().emit("close");
        expect(live.state).toBe("reconnecting");
        await vi.advanceTimersByTimeAsync(250);
        expect(clients).toHaveLength(2);
        last().emit("connect");
        expect(last().subscribed).toEqual([`open/${KEY}/+/online`]);
        expect(settled).toHaveBeenCalledTimes(2);
        expect(passes).toBe(1);
    });

    it("is live when the server has answered every subscription", () => {
        const settled = vi.fn();
        live.onSettled(settled);
        live.subscribe("open/a", () => {});
        last().held = [];
        last().emit("connect");
        live.subscribe("open/b", () => {});
        expect(last().subscribed).toEqual(["open/a", "open/b"]);
        expect(live.state).toBe("connecting");
        last().answer();
        expect(live.state).toBe("live");
        expect(settled).toHaveBeenCalledTimes(1);
        live.subscribe("open/c", () => {});
        expect(settled).toHaveBeenCalledTimes(1);
        last().answer();
        expect(settled).toHaveBeenCalledTimes(2);
    });

    it("counts no answers of a connection that is gone", async () => {
        live.subscribe("open/a", () => {});
        const first = last();
        first.held = [];
        first.emit("connect");
        first.emit("close");
        await vi.advanceTimersByTimeAsync(250);
        last().held = [];
        last().emit("connect");
        first.answer();
        expect(live.state).toBe("reconnecting");
        last().answer();
        expect(live.state).toBe("live");
    });

    it("waits longer after each failure, and not at all when told to retry", async () => {
        last().emit("close");
        await vi.advanceTimersByTimeAsync(250);
        last().emit("close");
        await vi.advanceTimersByTimeAsync(499);
        expect(clients).toHaveLength(2);
        await vi.advanceTimersByTimeAsync(1);
        expect(clients).toHaveLength(3);
        last().emit("close");
        live.retry();
        await settle();
        expect(clients).toHaveLength(4);
    });

    it("takes a new pass before the old one expires", async () => {
        last().emit("connect");
        const first = last();
        await vi.advanceTimersByTimeAsync(HOUR - 30_000);
        expect(first.ended).toBe(true);
        expect(passes).toBe(2);
        expect(last().options.password).toBe("p1.2");
        last().emit("connect");
        expect(live.state).toBe("live");
    });

    it("takes a new pass when the old one is not accepted", async () => {
        last().emit("error", Object.assign(new Error("bad password"), { code: 0x86 }));
        last().emit("close");
        await vi.advanceTimersByTimeAsync(250);
        expect(last().options.password).toBe("p1.2");
    });

    it("says that the API is off, and asks again slowly", async () => {
        last().emit("error", Object.assign(new Error("not authorized"), { code: 0x87 }));
        last().emit("close");
        expect(live.state).toBe("refused");
        await vi.advanceTimersByTimeAsync(14_000);
        expect(clients).toHaveLength(1);
        await vi.advanceTimersByTimeAsync(1_000);
        expect(clients).toHaveLength(2);
    });

    it("unsubscribes when nobody is left who wants it", () => {
        last().emit("connect");
        const one = live.subscribe("open/x", () => {});
        const two = live.subscribe("open/x", () => {});
        one();
        expect(last().unsubscribed).toEqual([]);
        two();
        expect(last().unsubscribed).toEqual(["open/x"]);
    });

    it("tells what the server said to a subscription", () => {
        const answers: [number, string][] = [];
        last().emit("connect");
        last().grant = 0x87;
        live.subscribe("open/other/#", () => {},
            { onAnswer: (code, reason) => answers.push([code, reason]) });
        expect(answers).toEqual([[0x87, "why"]]);
    });

    it("tells what the server said to a publish, refusals too", async () => {
        await expect(live.publish("t", "{}", 1)).rejects.toThrow("not connected");
        last().emit("connect");
        last().grant = 0x10;
        await expect(live.publish("t", "{}", 1)).resolves.toEqual({ code: 0x10, reason: "told" });
        last().grant = 0x99;
        await expect(live.publish("t", "{}", 1)).resolves.toEqual({ code: 0x99, reason: "told" });
    });

    it("stays closed", async () => {
        live.close();
        expect(last().ended).toBe(true);
        await vi.advanceTimersByTimeAsync(HOUR);
        expect(clients).toHaveLength(1);
    });
});
