import { describe, expect, it } from "vitest";
import { afterStep, type CommandStep } from "@/lib/command_list";
import type { Command, CommandStatus } from "@/api/types";

const command = (id: string | number, status: CommandStatus, at = 10): Command => ({ id,
    method: "m", status, accepted_ms: at, changed_ms: at, expires_ms: null });
const step = (id: string | number, status: CommandStatus, ts: number): CommandStep =>
    ({ id, method: "m", status, ts });
const told = (commands: Command[]): unknown[] =>
    commands.map((each) => [each.id, each.status, each.accepted_ms]);

describe("the list of commands", () => {
    it("begins with a command that is accepted", () => {
        expect(told(afterStep([command(1, "sent")], step("1", "accepted", 20))))
            .toEqual([["1", "accepted", 20], [1, "sent", 10]]);
    });

    it("follows a command step by step until it has ended", () => {
        let list = [command(1, "accepted")];
        list = afterStep(list, step(1, "sent", 11));
        list = afterStep(list, step(1, "replied", 12));
        list = afterStep(list, step(1, "delivered", 13));
        expect(told(list)).toEqual([[1, "replied", 10]]);
        expect(list[0].changed_ms).toBe(12);
    });

    it("takes an id that comes again as another command", () => {
        const list = afterStep([command(1, "replied")], step(1, "accepted", 30));
        expect(told(afterStep(list, step(1, "sent", 31))))
            .toEqual([[1, "sent", 30], [1, "replied", 10]]);
    });

    it("does not change by what it knows already, or does not know", () => {
        const list = [command(1, "sent", 10)];
        expect(afterStep(list, step(1, "accepted", 10))).toEqual(list);
        expect(afterStep(list, step(1, "accepted", 9))).toEqual(list);
        expect(afterStep(list, step(2, "rejected", 20))).toBe(list);
    });
});
