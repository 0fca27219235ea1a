// What one device says while its page is open: values, numbers for the chart, events, what commands
// hold, alarms. One feed for all tabs, so that nothing is missed while another one is shown.
import { reactive, ref, shallowReactive, shallowRef, triggerRef, type Ref } from "vue";
import * as api from "@/api/devices";
import type { Attributes, Device, TypeDefinition } from "@/api/types";
import type { LiveMessage } from "@/live";
import { useLive } from "@/live";
import { parseTopic } from "@/live/topic";
import { objectOf } from "@/lib/payload";
import { SeriesStore } from "@/lib/series";
import { useLoad, type Loaded } from "@/lib/use_load";

const CHART_KEEP_MS = 60 * 60_000;
const EVENTS_KEPT = 200;
const COMMANDS_KEPT = 500;

export interface ShownValue {
    value: unknown;
    ts: number;
    /** Grows with each change while the page is open; 0: as it was read. */
    changes: number;
}

export interface ShownEvent {
    number: number;
    ts: number;
    method: string;
    params: unknown;
}

export type CommandId = string | number;

export interface DeviceFeed {
    projectKey: string;
    username: string;
    device: Loaded<Device>;
    definition: Ref<TypeDefinition | null>;
    values: Record<string, ShownValue>;
    valuesRead: Loaded<Attributes>;
    series: SeriesStore;
    /** Grows whenever a number came in: what the chart watches. */
    seriesChanges: Ref<number>;
    events: Ref<ShownEvent[]>;
    /** What commands and their replies held; the server's list of commands does not say. */
    commands: Map<CommandId, { params?: unknown; reply?: unknown }>;
    setDevice: (device: Device) => void;
    /** Grows with each message about an alarm. */
    alarmChanges: Ref<number>;
}

/** The `id` of a command or its reply; null: it has none. */
export function commandId(body: Record<string, unknown>): CommandId | null {
    return typeof body.id === "string" || typeof body.id === "number" ? body.id : null;
}

export function useDeviceFeed(projectKey: string, username: string): DeviceFeed {
    const live = useLive();
    const device = useLoad(() => api.device(projectKey, username));
    const definition = shallowRef<TypeDefinition | null>(null);
    // without a prototype: devices name attributes as they like, "constructor" too
    const values = reactive<Record<string, ShownValue>>(Object.create(null));
    const series = new SeriesStore(CHART_KEEP_MS);
    const seriesChanges = ref(0);
    const events = shallowRef<ShownEvent[]>([]);
    const commands = shallowReactive(
        new Map<CommandId, { params?: unknown; reply?: unknown }>());
    const alarmChanges = ref(0);
    let eventNumber = 0;

    const take = (name: string, value: unknown, ts: number, fresh: boolean): void => {
        const before = values[name];
        if (before === undefined || ts >= before.ts) {
            values[name] = { value, ts, changes: (before?.changes ?? 0) + (fresh ? 1 : 0) };
        }
        if (series.add(name, ts, value)) {
            seriesChanges.value++;
        }
    };

    const valuesRead = useLoad(async () => {
        const read = await api.attributes(projectKey, username);
        for (const [name, { value, ts }] of Object.entries(read.attributes)) {
            if (values[name] === undefined || ts > values[name].ts) {
                take(name, value, ts, false);
            }
        }
        return read;
    });

    const onEvent = (message: LiveMessage, body: Record<string, unknown>): void => {
        events.value.unshift({
            number: ++eventNumber, ts: message.ts, method: String(body.method ?? ""),
            params: body.params,
        });
        events.value.splice(EVENTS_KEPT);
        triggerRef(events);
    };

    // An id may come again; then it is another command.
    const onCommand = (body: Record<string, unknown>): void => {
        const id = commandId(body);
        if (id !== null) {
            commands.delete(id);
            commands.set(id, { params: body.params });
            for (const [oldest] of commands) {
                if (commands.size <= COMMANDS_KEPT) {
                    break;
                }
                commands.delete(oldest);
            }
        }
    };

    const handlers: Record<string, (message: LiveMessage, body: Record<string, unknown>) => void> = {
        attributes: (message, body) => {
            for (const [name, value] of Object.entries(body)) {
                take(name, value, message.ts, true);
            }
        },
        event_report: onEvent,
        online: (_message, body) => {
            device.change((known) => ({ ...known, online: body.online === true }));
        },
        alarm: (_message, body) => {
            device.change((known) => ({ ...known, alerting: body.alerting === true }));
        },
        alarm_detail: () => {
            alarmChanges.value++;
        },
        command_send: (_message, body) => onCommand(body),
        command_reply: (_message, body) => {
            const id = commandId(body);
            if (id !== null) {
                commands.set(id, { ...commands.get(id), reply: body.params ?? null });
            }
        },
    };

    const onMessage = (message: LiveMessage): void => {
        const topic = parseTopic(message.topic, projectKey);
        const body = objectOf(message.payload);
        if (topic !== null && body !== null) {
            handlers[topic.kind]?.(message, body);
        }
    };

    live.follow(`open/${projectKey}/${username}/+`, onMessage);
    live.follow(`$open/${projectKey}/${username}/alarm_detail`, onMessage);
    live.onSettled(() => {
        void device.reload();
        void valuesRead.reload();
    });

    return {
        projectKey, username, device, definition, values, valuesRead, series, seriesChanges,
        events, commands, alarmChanges,
        setDevice: (next) => device.change(() => next),
    };
}
