// Entries of a device's message log: those read from the server, and those that come live.
import type { LogEntry, LogVerdict } from "@/api/types";
import { objectOf, showBytes, type ShownPayload } from "./payload";

const VERDICTS: readonly LogVerdict[] = ["accepted", "refused", "recorded", "dropped"];

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
        qos: typeof value.qos === "number" ? value.qos : 0,
        payload: String(value.payload ?? ""),
        format: value.format === "json" || value.format === "hex" ? value.format : "text",
        length: typeof value.length === "number" ? value.length : 0,
        verdict: (VERDICTS as readonly unknown[]).includes(value.verdict)
            ? value.verdict as LogVerdict : "accepted",
        reason: typeof value.reason === "string" ? value.reason : null,
    };
}

/** Which entry it is; numbers alone begin again when the server is started. */
export const logKey = (entry: LogEntry): string => `${entry.ts}/${entry.number}`;

/** Both lists as one, newest first, each entry once. */
export function mergeLog(a: LogEntry[], b: LogEntry[]): LogEntry[] {
    const all = new Map<string, LogEntry>();
    for (const entry of [...a, ...b]) {
        all.set(logKey(entry), entry);
    }
    return [...all.values()].sort((x, y) => y.ts - x.ts || y.number - x.number);
}

/** What is shown of an entry's payload: text with control characters as the bytes that it is. */
export function payloadOf(entry: Pick<LogEntry, "format" | "payload">): ShownPayload {
    if (entry.format === "text") {
        return showBytes(new TextEncoder().encode(entry.payload));
    }
    return entry.format === "hex"
        ? { format: "hex", text: entry.payload.replace(/(..)(?=.)/g, "$1 ") }
        : { format: "json", text: entry.payload };
}
