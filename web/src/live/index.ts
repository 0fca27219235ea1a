// The live connection of the project that is shown: made by the project's frame (`provideLive`),
// used by the pages in it (`useLive`).
import { inject, onScopeDispose, provide, ref, type InjectionKey, type Ref } from "vue";
import * as api from "@/api/projects";
import { LiveConnection, type LiveMessage, type LiveState } from "./connection";

export type { LiveMessage, LiveState } from "./connection";

export interface Live {
    state: Ref<LiveState>;
    connection: LiveConnection;
    /** Ends with the component that calls it. */
    follow(filter: string, onMessage: (message: LiveMessage) => void): () => void;
    /** After a gap: read again what is shown. Ends with the component that calls it. */
    onRenew(reload: () => void): void;
}

const KEY: InjectionKey<Live> = Symbol("live");

/** The HTTPS port speaks MQTT too: one origin, one certificate to be trusted. */
function url(): string {
    return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/mqtt`;
}

export function provideLive(projectKey: string, scopes: string): Live {
    const connection = new LiveConnection(projectKey, {
        fetchPass: () => api.pass(projectKey, scopes),
        connect: async (options) => {
            const { default: mqtt } = await import("mqtt");
            return mqtt.connect(url(), options);
        },
        now: () => Date.now(),
    });
    const state = ref<LiveState>(connection.state);
    const live: Live = {
        state,
        connection,
        follow: (filter, onMessage) => {
            const stop = connection.subscribe(filter, onMessage);
            onScopeDispose(stop, true);
            return stop;
        },
        onRenew: (reload) => {
            onScopeDispose(connection.onRenew(reload), true);
        },
    };

    connection.onState((next) => {
        state.value = next;
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
