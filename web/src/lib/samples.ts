// A value that passes, for a form to begin with.
import type { Field } from "@/api/types";

export function sampleOf(field: Field): unknown {
    switch (field.type) {
        case "number":
            return field.minimum ?? Math.min(0, field.maximum ?? 0);
        case "text":
            return "";
        case "switch":
            return true;
        case "enum":
            return field.values?.[0] ?? "";
        case "object":
            return {};
        default:
            return [];
    }
}

export const sampleParams = (fields: Field[] = []): Record<string, unknown> =>
    Object.fromEntries(fields.map((field) => [field.id, sampleOf(field)]));
