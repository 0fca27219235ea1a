// The live connection of the project that is shown: made by the project's frame (`provideLive`),
// used by the pages in it (`useLive`).
import { inject, onScopeDispose, provide, ref, type InjectionKey, type Ref } from "vue";
import * as api from "@/api/projects";
import { LiveConnection, type LiveMessage, type LiveState } from "./connection";

export type { LiveMessage, LiveState } from "./connection";

export interface Live {
    state: Ref<LiveState>;
    /** Whether all that is followed is subscribed. */
    settled: Ref<boolean>;
    connection: LiveConnection;
    /** Ends with the component that calls it. */
    follow(filter: string, onMessage: (message: LiveMessage) => void): () => void;
    /**
     * Called when what is followed has become effective, after a gap too: read again what is shown.
     * Ends with the component that calls it.
     */
    onSettled(reload: () => void): void;
}

const KEY: InjectionKey<Live> = Symbol("live");

/** The HTTPS port speaks MQTT too: one origin, one certificate to be trusted. */
function url(): string {
    return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/mqtt`;
}

export function provideLive(projectKey: string, scopes: string): Live {
    // by its name operators know it in the list of sessions
    const clientId = `console-${crypto.randomUUID().slice(0, 8)}`;
    const connection = new LiveConnection(projectKey, {
        fetchPass: () => api.pass(projectKey, scopes),
        connect: async (options) => {
            const { default: mqtt } = await import("mqtt");
            return mqtt.connect(url(), { ...options, clientId });
        },
        now: () => Date.now(),
    });
    const state = ref<LiveState>(connection.state);
    const settled = ref(false);
    const live: Live = {
        state,
        settled,
        connection,
        follow: (filter, onMessage) => {
            settled.value = false;
            const stop = connection.subscribe(filter, onMessage);
            onScopeDispose(stop, true);
            return stop;
        },
        onSettled: (reload) => {
            onScopeDispose(connection.onSettled(reload), true);
        },
    };

    connection.onState((next) => {
        state.value = next;
        settled.value = false;
    });
    connection.onSettled(() => {
        settled.value = true;
    });
    connection.start();
    onScopeDispose(() => connection.close());
    provide(KEY, live);
    return live;
}

export function useLive(): Live {
    const live = inject(KEY);

    if (live === undefined) {
        throw new Error("useLive outside of a project's page");
    }
    return live;
}
