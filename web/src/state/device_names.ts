// What the devices are called that a page knows by their user names: each is asked for once, a few
// at a time, as it is shown.
import { inject, provide, shallowReactive, type InjectionKey } from "vue";
import * as api from "@/api/devices";
import type { Device } from "@/api/types";

const AT_ONCE = 4;
const WAITING_MOST = 200; // what has been shown longest may be out of sight already

export interface DeviceNames {
    /** Empty: it has none, or it is not known yet. */
    of: (username: string) => string;
    /** Takes those that were read for something else. */
    learn: (devices: Device[]) => void;
}

export function deviceNames(ask: (username: string) => Promise<Device>): DeviceNames {
    const names = shallowReactive(new Map<string, string>());
    const asked = new Set<string>();
    const waiting: string[] = [];
    let running = 0;

    const run = async (): Promise<void> => {
        running++;
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
            const username = next;
            await ask(username).then((device) => names.set(username, device.name),
                () => undefined); // removed, or out of reach: its user name tells enough
        }
        running--;
    };

    return {
        of: (username) => {
            const known = names.get(username);

            if (known === undefined && !asked.has(username)) {
                asked.add(username);
                waiting.push(username);
                if (waiting.length > WAITING_MOST) {
                    asked.delete(waiting.shift()!);
                }
                if (running < AT_ONCE) {
                    void run();
                }
            }
            return known ?? "";
        },
        learn: (devices) => {
            for (const device of devices) {
                asked.add(device.username);
                names.set(device.username, device.name);
            }
        },
    };
}

const KEY: InjectionKey<DeviceNames> = Symbol("device names");

/** For a page, whose `DeviceLink`s use them. */
export function provideDeviceNames(projectKey: string): DeviceNames {
    const names = deviceNames((username) => api.device(projectKey, username));

    provide(KEY, names);
    return names;
}

export function useDeviceNames(): DeviceNames {
    const names = inject(KEY);

    if (names === undefined) {
        throw new Error("useDeviceNames outside of a page that provides them");
    }
    return names;
}
