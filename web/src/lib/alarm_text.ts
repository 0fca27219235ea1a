// Conditions of alarm rules, between what people type and what the definition holds.
import type { AlarmCondition } from "@/api/types";

export const conditionText = (condition: AlarmCondition): string =>
    `${condition.attribute} ${condition.operator} ${typeof condition.value === "string"
        ? condition.value : JSON.stringify(condition.value)}`;

/** 80 is a number, true a switch, "80" (with quotes) a text, and so is everything else. */
export function conditionValue(text: string): unknown {
    const trimmed = text.trim();
    if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(trimmed)) {
        return Number(trimmed);
    }
    if (trimmed === "true" || trimmed === "false") {
        return trimmed === "true";
    }
    return /^".*"$/.test(trimmed) ? trimmed.slice(1, -1) : trimmed;
}

/** The text that `conditionValue` reads as this value. */
export function conditionInput(value: unknown): string {
    if (typeof value !== "string") {
        return JSON.stringify(value) ?? "";
    }
    return conditionValue(value) === value ? value : `"${value}"`;
}
