// Changes of things that somebody may have changed since they were read. Each is sent with If-Match,
// so that nobody overwrites what they have not seen.
//
// A tag is that of all that the server says of a thing, of which much changes by itself (how many
// devices a type has, whether one is online). So if it is another one by now, the thing is read
// again, and only what the change is about counts.
import { get, Problem, request, tagOf } from "./http";

type Members = Record<string, unknown>;

const TRIES = 5;

/** Whether two values of JSON are the same, in whatever order their members are. */
export function isSame(a: unknown, b: unknown): boolean {
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
        return a === b;
    }
    const names = Object.keys(a);
    return Array.isArray(a) === Array.isArray(b) && names.length === Object.keys(b).length &&
        names.every((name) => Object.hasOwn(b, name) &&
            isSame((a as Members)[name], (b as Members)[name]));
}

/** Who wants what is there already is in nobody's way. */
function isInTheWay(now: Members, known: Members, change: Members): boolean {
    return Object.keys(change).some((name) =>
        !isSame(now[name], known[name]) && !isSame(now[name], change[name]));
}

/**
 * PATCH of a thing that the person knows as `known`.
 *
 * @param membersOf  what the change is about, of what GET gives
 * @throws Problem   `gone_stale`: somebody else has changed the same; nothing was changed
 */
export async function patchKnown<T, R extends object = Members>(target: string, known: object,
    change: object, membersOf = (read: R): Members => read as Members): Promise<T> {
    let ifMatch = tagOf(known);

    for (let left = TRIES; ; left--) {
        if (ifMatch === undefined) {
            const now = await get<R>(target);
            if (isInTheWay(membersOf(now), known as Members, change as Members)) {
                throw new Problem("gone_stale", 412);
            }
            ifMatch = tagOf(now);
        }
        try {
            return await request<T>("PATCH", target, { body: change, ifMatch });
        } catch (error) {
            if (!(error instanceof Problem) || error.code !== "gone_stale" || left === 0) {
                throw error;
            }
            ifMatch = undefined;
        }
    }
}
