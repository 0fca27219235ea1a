import { computed } from "vue";
import { describe, expect, it, vi } from "vitest";
import type { Device } from "@/api/types";
import { deviceNames } from "@/state/device_names";

vi.mock("@/api/devices", () => ({}));

const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 0));
const device = (username: string, name: string): Device => ({ username, name }) as Device;

describe("deviceNames", () => {
    it("asks for each once, and shows the name as soon as it is known", async () => {
        const ask = vi.fn((username: string) => Promise.resolve(device(username, "Pump")));
        const names = deviceNames(ask);
        const shown = computed(() => names.of("DU_1"));
        expect([shown.value, names.of("DU_1")]).toEqual(["", ""]);
        await settle();
        expect([shown.value, ask.mock.calls]).toEqual(["Pump", [["DU_1"]]]);
    });

    it("does not ask for what it was told", () => {
        const ask = vi.fn();
        const names = deviceNames(ask);
        names.learn([device("DU_1", "Pump"), device("DU_2", "")]);
        expect([names.of("DU_1"), names.of("DU_2"), ask.mock.calls.length]).toEqual(["Pump", "", 0]);
    });

    it("does not ask again for a device that is gone", async () => {
        const ask = vi.fn(() => Promise.reject(new Error("404")));
        const names = deviceNames(ask);
        names.of("DU_1");
        await settle();
        expect([names.of("DU_1"), ask.mock.calls.length]).toEqual(["", 1]);
    });

    it("asks for a few at a time, and forgets what has waited longest of very many", async () => {
        const answers: (() => void)[] = [];
        const ask = vi.fn((username: string) => new Promise<Device>((resolve) =>
            answers.push(() => resolve(device(username, `name of ${username}`)))));
        const names = deviceNames(ask);
        for (let i = 0; i < 300; i++) {
            names.of(`DU_${i}`);
        }
        expect(answers.length).toBe(4);
        for (let i = 0; i < answers.length; i++) {
            answers[i]();
            await settle();
        }
        expect(ask).toHaveBeenCalledTimes(204);
        expect(names.of("DU_299")).toBe("name of DU_299");
        expect(names.of("DU_50")).toBe("");
        expect(ask).toHaveBeenLastCalledWith("DU_50"); // in sight again
    });
});
