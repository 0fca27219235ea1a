// Lists: what people type, one entry a line; files for spreadsheets; rows that change.

/** The lines of a text without what is empty; null when nothing is left. */
export function linesOf(text: string): string[] | null {
    const lines = text.split(/[\n,;]+/).map((line) => line.trim()).filter((line) => line !== "");
    return lines.length > 0 ? lines : null;
}

/** A cell of a CSV file (RFC 4180); what a spreadsheet would run as a formula is made text. */
export function csvCell(value: string): string {
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const csv = (rows: string[][]): string =>
    rows.map((row) => row.map(csvCell).join(",") + "\r\n").join("");

/** Hands a text to the browser as a file to be saved. */
export function saveFile(name: string, type: string, content: string): void {
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The same list where nothing is changed, so that nothing is drawn again. */
export function changeItem<T>(items: T[], isIt: (item: T) => boolean, change: Partial<T>): T[] {
    return items.some(isIt) ? items.map((item) => (isIt(item) ? { ...item, ...change } : item))
        : items;
}
