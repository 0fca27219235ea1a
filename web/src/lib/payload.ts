// Payloads: bytes to what is shown, and JSON typed by people to values.

import { faultOffset, placeAt } from "./json_place";

export type PayloadFormat = "json" | "text" | "hex";

export interface ShownPayload {
    format: PayloadFormat;
    text: string;
}

/** "01 a0 ff …", sixteen bytes a line. */
export function hexDump(bytes: Uint8Array): string {
    const lines: string[] = [];
    for (let start = 0; start < bytes.length; start += 16) {
        lines.push(Array.from(bytes.subarray(start, start + 16),
            (byte) => byte.toString(16).padStart(2, "0")).join(" "));
    }
    return lines.join("\n");
}

/** The bytes of "01 A0 ff" or "01a0ff"; null: it is no such text. */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> | null {
    const digits = text.replace(/\s+/g, "");

    if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) {
        return null;
    }
    return Uint8Array.from({ length: digits.length / 2 },
        (_none, index) => parseInt(digits.slice(2 * index, 2 * index + 2), 16));
}

const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

export function decodeText(bytes: Uint8Array): string | null {
    try {
        const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
        return UNPRINTABLE.test(text) ? null : text;
    } catch {
        return null;
    }
}

/** JSON where it is JSON, else text, else hexadecimal. */
export function showBytes(bytes: Uint8Array): ShownPayload {
    const text = decodeText(bytes);

    if (text === null) {
        return { format: "hex", text: hexDump(bytes) };
    }
    const first = text.trimStart()[0];
    if (first === "{" || first === "[") {
        try {
            JSON.parse(text);
            return { format: "json", text };
        } catch {
            // Only looks like it.
        }
    }
    return { format: "text", text };
}

/** The payload of a message as an object; null when it is none. */
export function objectOf(bytes: Uint8Array): Record<string, unknown> | null {
    const text = decodeText(bytes);

    if (text === null) {
        return null;
    }
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === "object" && value !== null && !Array.isArray(value)
            ? value as Record<string, unknown> : null;
    } catch {
        return null;
    }
}

export interface JsonFault {
    line: number;
    column: number;
}

export type JsonReading =
    { ok: true; value: Record<string, unknown> } | { ok: false; fault: JsonFault | null };

/** Reads a JSON object that somebody typed. `fault: null` means JSON, but no object. */
export function readObject(text: string): JsonReading {
    try {
        const value: unknown = JSON.parse(text);
        if (typeof value !== "object" || value === null || Array.isArray(value)) {
            return { ok: false, fault: null };
        }
        return { ok: true, value: value as Record<string, unknown> };
    } catch {
        return { ok: false, fault: placeAt(text, faultOffset(text) ?? 0) };
    }
}
