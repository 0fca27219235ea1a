// The console's connection to the application API of one project: MQTT over wss, with a short-lived
// browser pass instead of a secret. It connects again after every loss and before the pass
// expires; subscriptions are kept here and made again. What was missed before they took effect is
// the business of `onSettled`: whoever shows state reads it again.
//
// Sessions are clean ones: a page that is closed is owed nothing.
import type { IClientOptions, IClientSubscribeOptions, MqttClient } from "mqtt";
import { filterMatches } from "./topic";

export type LiveState = "connecting" | "live" | "reconnecting" | "refused" | "closed";

export interface LiveMessage {
    topic: string;
    payload: Uint8Array;
    qos: number;
    retain: boolean;
    /** The server's user properties: ts, source, … */
    properties: Record<string, string>;
    /** When the server accepted it; where it does not say: when it came here. */
    ts: number;
}

export interface LivePass {
    username: string;
    password: string;
    expires_ms: number;
}

export interface PublishOutcome {
    code: number;
    reason: string;
}

/** How the world outside is reached; tests put their own in. */
export interface LiveOutside {
    fetchPass(): Promise<LivePass>;
    connect(options: IClientOptions): Promise<MqttClient> | MqttClient;
    now(): number;
}

interface Subscription {
    filter: string;
    qos: 0 | 1 | 2;
    onMessage: (message: LiveMessage) => void;
    onAnswer?: (code: number, reason: string) => void;
}

const RETRY_MS = [250, 500, 1000, 2000, 4000, 8000];
const REFUSED_RETRY_MS = 15_000;
const RENEW_BEFORE_MS = 60_000;
const SHORTEST_LIFE_MS = 5_000;
const NOT_AUTHORIZED = 0x87;
/** Beyond what a browser's throttled timers of a hidden page lose. */
const KEEP_ALIVE_S = 120;

export class LiveConnection {
    readonly projectKey: string;
    private readonly outside: LiveOutside;
    private readonly subscriptions = new Set<Subscription>();
    private readonly stateListeners = new Set<(state: LiveState) => void>();
    private readonly settledListeners = new Set<() => void>();
    private client: MqttClient | null = null;
    private pass: LivePass | null = null;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private failures = 0;
    private isConnected = false;
    /** Subscriptions that the server has not answered yet. */
    private unanswered = 0;
    private lastAck: { reasonCode?: number; properties?: { reasonString?: string } } = {};
    private current: LiveState = "connecting";

    constructor(projectKey: string, outside: LiveOutside) {
        this.projectKey = projectKey;
        this.outside = outside;
    }

    get state(): LiveState {
        return this.current;
    }

    start(): void {
        void this.attempt();
    }

    close(): void {
        this.setState("closed");
        clearTimeout(this.timer);
        this.dropClient();
        this.subscriptions.clear();
        this.stateListeners.clear();
        this.settledListeners.clear();
    }

    /** Tries at once instead of waiting for the next attempt. */
    retry(): void {
        if (this.current === "reconnecting" || this.current === "refused") {
            clearTimeout(this.timer);
            void this.attempt();
        }
    }

    onState(listener: (state: LiveState) => void): () => void {
        this.stateListeners.add(listener);
        return () => this.stateListeners.delete(listener);
    }

    /**
     * Called whenever all subscriptions have become effective: at first, after a gap, and when one
     * was added. What was read before may lack what happened in between.
     */
    onSettled(listener: () => void): () => void {
        this.settledListeners.add(listener);
        return () => this.settledListeners.delete(listener);
    }

    subscribe(filter: string, onMessage: (message: LiveMessage) => void,
        options: { qos?: 0 | 1 | 2; onAnswer?: Subscription["onAnswer"] } = {}): () => void {
        const subscription: Subscription = { filter, qos: options.qos ?? 0, onMessage,
            onAnswer: options.onAnswer };

        this.subscriptions.add(subscription);
        if (this.isConnected) {
            this.subscribeNow([subscription]);
        }
        return () => this.unsubscribe(subscription);
    }

    publish(topic: string, payload: string, qos: 0 | 1 | 2): Promise<PublishOutcome> {
        const client = this.client;

        return new Promise((resolve, reject) => {
            if (client === null || this.current !== "live") {
                reject(new Error("not connected"));
                return;
            }
            this.lastAck = {};
            client.publish(topic, payload, { qos }, (error) => {
                const code = this.lastAck.reasonCode ?? 0;
                if (error && code < 0x80) {
                    reject(error);
                } else {
                    resolve({ code, reason: this.lastAck.properties?.reasonString ?? "" });
                }
            });
        });
    }

    private unsubscribe(subscription: Subscription): void {
        this.subscriptions.delete(subscription);
        const wanted = [...this.subscriptions].some((each) => each.filter === subscription.filter);
        if (!wanted && this.client !== null && this.isConnected) {
            this.client.unsubscribe(subscription.filter);
        }
    }

    private setState(state: LiveState): void {
        if (this.current !== state && this.current !== "closed") {
            this.current = state;
            this.stateListeners.forEach((listener) => listener(state));
        }
    }

    private dropClient(): void {
        const client = this.client;

        this.client = null;
        this.isConnected = false;
        this.unanswered = 0;
        if (client !== null) {
            client.removeAllListeners();
            client.on("error", () => {}); // one that comes late has no listener any more
            client.end(true);
        }
    }

    private isClosed(): boolean {
        return this.current === "closed";
    }

    private async attempt(): Promise<void> {
        try {
            if (this.pass === null ||
                this.pass.expires_ms - this.outside.now() < RENEW_BEFORE_MS) {
                this.pass = await this.outside.fetchPass();
            }
            const pass = this.pass;
            if (this.isClosed()) {
                return;
            }
            const client = await this.outside.connect({
                username: pass.username,
                password: pass.password,
                protocolVersion: 5,
                clean: true,
                keepalive: KEEP_ALIVE_S,
                reconnectPeriod: 0,
                resubscribe: false,
                timerVariant: "native", // the other one starts a worker from a blob
                connectTimeout: 10_000,
            });
            if (this.isClosed()) {
                client.end(true);
                return;
            }
            this.client = client;
            this.listen(client, pass);
        } catch {
            this.failed(false);
        }
    }

    private listen(client: MqttClient, pass: LivePass): void {
        let refused = false;

        client.on("connect", () => this.connected(pass));
        client.on("message", (topic, payload, packet) => {
            const properties: Record<string, string> = {};
            for (const [name, value] of Object.entries(packet.properties?.userProperties ?? {})) {
                properties[name] = Array.isArray(value) ? value[value.length - 1] : value;
            }
            this.handOut({ topic, payload, qos: packet.qos, retain: packet.retain, properties,
                ts: Number(properties.ts) || this.outside.now() });
        });
        client.on("packetreceive", (packet) => {
            if (packet.cmd === "puback" || packet.cmd === "pubrec") {
                this.lastAck = packet;
            }
        });
        client.on("error", (error) => {
            refused = "code" in error && error.code === NOT_AUTHORIZED;
            if (!refused) {
                this.pass = null; // whatever it was: a new one does not harm
            }
        });
        client.on("close", () => {
            if (client === this.client) {
                this.failed(refused);
            }
        });
    }

    private connected(pass: LivePass): void {
        this.failures = 0;
        this.isConnected = true;
        this.subscribeNow([...this.subscriptions]);
        const life = pass.expires_ms - this.outside.now() - RENEW_BEFORE_MS / 2;
        this.schedule(Math.max(life, SHORTEST_LIFE_MS), () => {
            this.pass = null;
            this.dropClient();
            this.setState("reconnecting");
        });
    }

    private failed(refused: boolean): void {
        this.dropClient();
        if (this.isClosed()) {
            return;
        }
        this.setState(refused ? "refused" : "reconnecting");
        const wait = refused ? REFUSED_RETRY_MS
            : RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
        this.failures++;
        this.schedule(wait, () => {});
    }

    private schedule(wait: number, before: () => void): void {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
            before();
            void this.attempt();
        }, wait);
    }

    private settle(): void {
        if (this.unanswered === 0 && this.isConnected) {
            this.setState("live");
            [...this.settledListeners].forEach((listener) => listener());
        }
    }

    private subscribeNow(subscriptions: Subscription[]): void {
        const client = this.client;

        if (client === null) {
            return;
        }
        this.unanswered += subscriptions.length;
        for (const subscription of subscriptions) {
            const options: IClientSubscribeOptions = { qos: subscription.qos };
            client.subscribe(subscription.filter, options, (error, _granted, packet) => {
                const answer = packet as
                    { granted?: number[]; properties?: { reasonString?: string } } | undefined;
                const code = answer?.granted?.[0] ?? (error ? 0x80 : subscription.qos);
                subscription.onAnswer?.(Number(code),
                    answer?.properties?.reasonString ?? error?.message ?? "");
                if (client === this.client) {
                    this.unanswered--;
                    this.settle();
                }
            });
        }
        if (subscriptions.length === 0) {
            this.settle();
        }
    }

    private handOut(message: LiveMessage): void {
        for (const subscription of [...this.subscriptions]) {
            if (filterMatches(subscription.filter, message.topic, this.projectKey)) {
                subscription.onMessage(message);
            }
        }
    }
}
