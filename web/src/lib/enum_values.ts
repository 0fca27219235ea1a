// Values of an enum as people type them, one a line: whole numbers are numbers, everything else is
// text; quotes make a text of what looks like a number.

export function enumValues(text: string): (string | number)[] {
    return text.split("\n").map((line) => line.trim()).filter((line) => line !== "")
        .map((line) => {
            if (/^-?\d{1,15}$/.test(line)) {
                return Number(line);
            }
            return /^".*"$/.test(line) ? line.slice(1, -1) : line;
        });
}

export function enumText(values: (string | number)[]): string {
    return values.map((value) => (typeof value === "string" && /^(-?\d{1,15}|".*")$/.test(value)
        ? `"${value}"` : String(value))).join("\n");
}
