// Times, sizes and values as people read them.

const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** 2026-03-01 09:05:07, in the browser's time zone: the same in both languages, and sortable. */
export function dateTime(ms: number): string {
    const at = new Date(ms);
    return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ` +
        `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** 09:05:07.042 */
export function clockTime(ms: number): string {
    const at = new Date(ms);
    return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}` +
        `.${pad(at.getMilliseconds(), 3)}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000],
];

/** "5 minutes ago". What lies a little in the future (another clock) is now. */
export function relativeTime(ms: number, now: number, locale: string,
    style: "long" | "short" = "long"): string {
    const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style });
    const distance = ms - now;

    for (const [unit, size] of STEPS) {
        if (Math.abs(distance) >= size && (distance < 0 || size > 1000)) {
            return format.format(Math.trunc(distance / size), unit);
        }
    }
    return format.format(0, "second");
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function byteSize(bytes: number): string {
    let value = bytes;
    let unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
        value /= 1024;
        unit++;
    }
    return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** An attribute's value in one line; text as it is, everything else as JSON. */
export function valueText(value: unknown, precision?: number): string {
    if (typeof value === "string") {
        return value;
    }
    if (typeof value === "number" && precision !== undefined) {
        return value.toFixed(precision);
    }
    return JSON.stringify(value) ?? "";
}

/** `text` in as many quotes as a shell needs. */
export function shellQuoted(text: string): string {
    return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
