// Devices and device types of a project.
import { get, path, post, request, type Page } from "./http";
import { patchKnown, removeKnown } from "./known";
import type {
    AlarmState, Attributes, Command, Connection, Delivery, Device, DeviceAlarmRule, DeviceType,
    LogEntry, TypeDefinition,
} from "./types";

export interface DeviceFilter {
    q?: string;
    type?: string;
    online?: boolean;
    alarm?: boolean;
    parent?: string;
}

export interface NewDevice {
    name?: string;
    username?: string;
    password?: string;
    type?: string;
    sn?: string;
    parent?: string;
    address?: string;
}

const of = (key: string, device: string, ...more: string[]): string =>
    path("projects", key, "devices", device, ...more);

export const devices = (key: string, filter: DeviceFilter = {}, cursor?: string, limit = 50,
    signal?: AbortSignal): Promise<Page<Device>> =>
    get(path("projects", key, "devices"), { ...filter, cursor, limit }, signal);
export const device = (key: string, username: string): Promise<Device> =>
    get(of(key, username));
export const addDevice = (key: string, fields: NewDevice): Promise<Device> =>
    post(path("projects", key, "devices"), fields);
export const addDevices = (key: string, count: number, name?: string,
    type?: string): Promise<Page<Device>> =>
    post(path("projects", key, "devices", "batch"), { count, name, type });
export const changeDevice = (known: Device, change: Record<string, unknown>): Promise<Device> =>
    patchKnown(of(known.project_key, known.username), known, change);
export const removeDevice = (known: Device): Promise<void> =>
    removeKnown(of(known.project_key, known.username), known, "name", "type", "sn", "parent");

export const connection = (key: string, username: string): Promise<Connection> =>
    get(of(key, username, "connection"));
export const attributes = (key: string, username: string): Promise<Attributes> =>
    get(of(key, username, "attributes"));
/** Sets cloud values of which the device is not told; `known`: those before, without their times. */
export const setAttributes = (key: string, username: string, known: object,
    values: object): Promise<void> =>
    patchKnown(of(key, username, "attributes"), known, values, (read: Attributes) =>
        Object.fromEntries(Object.entries(read.attributes)
            .map(([name, { value }]) => [name, value])));
export const pushAttributes = (key: string, username: string, values: unknown): Promise<Delivery> =>
    post(of(key, username, "attributes_push"), values);
export const sendCommand = (key: string, username: string,
    command: { method: string; params?: unknown }):
    Promise<Delivery & { id: string | number }> =>
    post(of(key, username, "commands"), command);
export const sendData = (key: string, username: string, stream: string,
    bytes: string | Uint8Array<ArrayBuffer>): Promise<Delivery> =>
    request("POST", of(key, username, "data", stream), { bytes });
export const commands = (key: string, username: string, cursor?: string): Promise<Page<Command>> =>
    get(of(key, username, "commands"), { cursor, limit: 50 });
export const log = (key: string, username: string, cursor?: string): Promise<Page<LogEntry>> =>
    get(of(key, username, "log"), { cursor, limit: 100 });
export const alarmsOf = (key: string, username: string): Promise<Page<AlarmState>> =>
    get(of(key, username, "alarms"));
export const alarmRulesOf = (key: string, username: string,
    cursor?: string): Promise<Page<DeviceAlarmRule>> =>
    get(of(key, username, "alarm_rules"), { cursor, limit: 200 });
export const switchAlarmRule = (username: string, known: DeviceAlarmRule,
    off: boolean): Promise<DeviceAlarmRule> =>
    patchKnown(of(known.project_key, username, "alarm_rules", known.rule), known,
        { switched_off: off });

const ofType = (key: string, type: string, ...more: string[]): string =>
    path("projects", key, "types", type, ...more);

export const types = (key: string, cursor?: string): Promise<Page<DeviceType>> =>
    get(path("projects", key, "types"), { cursor, limit: 500 });
export const type = (key: string, product: string): Promise<DeviceType> =>
    get(ofType(key, product));
export const addType = (key: string,
    fields: { name: string; code?: string | null; definition?: TypeDefinition }):
    Promise<DeviceType> => post(path("projects", key, "types"), fields);
export const changeType = (known: DeviceType,
    change: Record<string, unknown>): Promise<DeviceType> =>
    patchKnown(ofType(known.project_key, known.product_key), known, change);
export const removeType = (known: DeviceType): Promise<void> =>
    removeKnown(ofType(known.project_key, known.product_key), known, "name", "code", "definition");
export const typeExport = (key: string, product: string): string =>
    ofType(key, product, "export");
