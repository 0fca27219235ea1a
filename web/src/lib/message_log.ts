// Entries of a device's message log: those read from the server, and those that come live.
import type { LogEntry } from "@/api/types";
import { objectOf } from "./payload";

/** The entry that a live message holds; null when it is none. */
export function logEntryOf(payload: Uint8Array): LogEntry | null {
    const value = objectOf(payload);

    if (value === null || typeof value.number !== "number" || typeof value.topic !== "string") {
        return null;
    }
    return {
        number: value.number,
        ts: typeof value.ts === "number" ? value.ts : 0,
        direction: value.direction === "down" ? "down" : "up",
        topic: value.topic,
        payload: value.payload,
        format: value.format === "json" || value.format === "hex" ? value.format : "text",
        length: typeof value.length === "number" ? value.length : 0,
        verdict: String(value.verdict ?? ""),
        reason: typeof value.reason === "string" ? value.reason : null,
    };
}

/** Both lists as one, newest first, each entry once. */
export function mergeLog(a: LogEntry[], b: LogEntry[]): LogEntry[] {
    const all = new Map<number, LogEntry>();
    for (const entry of [...a, ...b]) {
        all.set(entry.number, entry);
    }
    return [...all.values()].sort((x, y) => y.number - x.number);
}

export function payloadTextOf(entry: LogEntry): string {
    if (typeof entry.payload === "string") {
        return entry.format === "hex" ? entry.payload.replace(/(..)(?=.)/g, "$1 ") : entry.payload;
    }
    return JSON.stringify(entry.payload) ?? "";
}
