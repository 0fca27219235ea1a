// Where a JSON text is broken. What engines say of it differs from one to the next, and some do not
// say where; so the place is looked for here, once `JSON.parse` has refused.

const TOKEN = /\s*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w))|([{}[\],:]))/y;

type Wanted = "value" | "value or ]" | "key" | "key or }" | "colon" | "comma or end" | "nothing";

/** The offset of the first thing that cannot stand there; the text's length when more is missing. */
export function faultOffset(text: string): number | null {
    const open: string[] = [];
    let wanted = "value" as Wanted;
    let at = 0;

    const closed = (): Wanted => (open.length === 0 ? "nothing" : "comma or end");
    const fits = (string: string | undefined, plain: string | undefined,
        mark: string | undefined): boolean => {
        const isValue = string !== undefined || plain !== undefined;
        switch (wanted) {
            case "colon":
                return mark === ":";
            case "key":
            case "key or }":
                return string !== undefined || (wanted === "key or }" && mark === "}");
            case "comma or end":
                return mark === "," || mark === (open[open.length - 1] === "{" ? "}" : "]");
            case "nothing":
                return false;
            default:
                return isValue || mark === "{" || mark === "[" ||
                    (wanted === "value or ]" && mark === "]");
        }
    };

    for (;;) {
        TOKEN.lastIndex = at;
        const token = TOKEN.exec(text);
        const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
        if (token === null || !fits(token[1], token[2], token[3])) {
            return start === text.length && wanted === "nothing" ? null : start;
        }
        at = TOKEN.lastIndex;
        const mark = token[3];
        if (mark === "{" || mark === "[") {
            open.push(mark);
            wanted = mark === "{" ? "key or }" : "value or ]";
        } else if (mark === "}" || mark === "]") {
            open.pop();
            wanted = closed();
        } else if (mark === ",") {
            wanted = open[open.length - 1] === "{" ? "key" : "value";
        } else if (mark === ":") {
            wanted = "value";
        } else {
            wanted = wanted === "key" || wanted === "key or }" ? "colon" : closed();
        }
    }
}

/** Line and column of an offset, counted from 1. */
export function placeAt(text: string, offset: number): { line: number; column: number } {
    const before = text.slice(0, offset).split("\n");
    return { line: before.length, column: before[before.length - 1].length + 1 };
}
