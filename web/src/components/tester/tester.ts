import type { ShownPayload } from "@/lib/payload";

export interface TestSubscription {
    filter: string;
    qos: 0 | 1 | 2;
    /** Of the SUBACK; null: not answered yet. */
    code: number | null;
    reason: string;
    stop: () => void;
}

export interface TestMessage {
    number: number;
    ts: number;
    topic: string;
    qos: number;
    retain: boolean;
    properties: Record<string, string>;
    payload: ShownPayload;
    length: number;
}

export const hexCode = (code: number): string => code.toString(16).toUpperCase().padStart(2, "0");
