// The numbers of a device's attributes over time, as the live chart draws them: the last ones only.

export type Point = [ts: number, value: number];

/** A switch is drawn as 0 and 1, whichever way a device writes it. */
export function numberOf(value: unknown): number | null {
    if (typeof value === "number" && Number.isFinite(value)) {
        return value;
    }
    if (value === true || value === "ON") {
        return 1;
    }
    if (value === false || value === "OFF") {
        return 0;
    }
    return null;
}

/** Whether a value is a switch's, so that its line has steps and no slopes. */
export const isSwitch = (value: unknown): boolean =>
    typeof value === "boolean" || value === "ON" || value === "OFF";

export class SeriesStore {
    private readonly switches = new Set<string>();
    private readonly points = new Map<string, Point[]>();
    private readonly keepMs: number;
    private readonly most: number;

    constructor(keepMs: number, most = 5000) {
        this.keepMs = keepMs;
        this.most = most;
    }

    /** Late values go to their place; what is too old or too much is forgotten. */
    add(attribute: string, ts: number, value: unknown): boolean {
        const number = numberOf(value);

        if (number === null) {
            return false;
        }
        if (isSwitch(value)) {
            this.switches.add(attribute);
        }
        const points = this.points.get(attribute) ?? [];
        let place = points.length;
        while (place > 0 && points[place - 1][0] > ts) {
            place--;
        }
        points.splice(place, 0, [ts, number]);
        const oldest = points[points.length - 1][0] - this.keepMs;
        let gone = Math.max(0, points.length - this.most);
        while (points[gone][0] < oldest) {
            gone++;
        }
        points.splice(0, gone);
        this.points.set(attribute, points);
        return true;
    }

    names(): string[] {
        return [...this.points.keys()].sort();
    }

    hasSteps(attribute: string): boolean {
        return this.switches.has(attribute);
    }

    of(attribute: string): Point[] {
        return this.points.get(attribute) ?? [];
    }
}
