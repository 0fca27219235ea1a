// The commands of a device: as the server lists them, and what messages say since.
import type { Command, CommandStatus } from "@/api/types";

export interface CommandStep {
    id: string | number;
    method: string;
    status: CommandStatus;
    ts: number;
}

/** How far a command is; all ends are the last. */
const RANK: Record<CommandStatus, number> = { accepted: 0, sent: 1, delivered: 2, replied: 3,
    expired: 3, offline: 3, rejected: 3 };

/**
 * The list, newest first, after a step of a command. Of several with one id the newest is meant;
 * `accepted` begins a new one. What was rejected at once is in no list.
 */
export function afterStep(commands: Command[], step: CommandStep): Command[] {
    const index = commands.findIndex((each) => each.id === step.id);
    const known = commands[index];

    if (known === undefined || (step.status === "accepted" && step.ts > known.accepted_ms)) {
        return step.status === "accepted" ? [{ id: step.id, method: step.method,
            status: step.status, accepted_ms: step.ts, changed_ms: step.ts, expires_ms: null },
        ...commands] : commands;
    }
    if (RANK[step.status] <= RANK[known.status] || step.ts < known.changed_ms) {
        return commands;
    }
    return commands.map((each) => (each === known
        ? { ...known, status: step.status, changed_ms: step.ts } : each));
}
