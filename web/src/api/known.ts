// Changes of things that somebody may have changed since they were read. Each is sent with If-Match,
// so that nobody overwrites or removes what they have not seen.
//
// A tag is that of all that the server says of a thing, of which much changes by itself (how many
// devices a type has, whether one is online). So if it is another one by now, the thing is read
// again, and only what the change is about counts; of what is removed, what the person knows it by.
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

async function requestKnown<T, R extends object>(method: string, target: string, known: object,
    body: object | undefined, isAnother: (now: R) => boolean): Promise<T> {
    let ifMatch = tagOf(known);

    for (let left = TRIES; ; left--) {
        if (ifMatch === undefined) {
            const now = await get<R>(target);
            if (isAnother(now)) {
                throw new Problem("gone_stale", 412);
            }
            ifMatch = tagOf(now);
        }
        try {
            return await request<T>(method, target, { body, ifMatch });
        } catch (error) {
            if (!(error instanceof Problem) || error.code !== "gone_stale" || left === 0) {
                throw error;
            }
            ifMatch = undefined;
        }
    }
}

/**
 * PATCH of a thing that the person knows as `known`.
 *
 * @param membersOf  what the change is about, of what GET gives
 * @throws Problem   `gone_stale`: somebody else has changed the same; nothing was changed
 */
export const patchKnown = <T, R extends object = Members>(target: string, known: object,
    change: object, membersOf = (read: R): Members => read as Members): Promise<T> =>
    requestKnown<T, R>("PATCH", target, known, change, (now) =>
        isInTheWay(membersOf(now), known as Members, change as Members));

/**
 * DELETE of a thing that the person knows as `known`.
 *
 * @param members   by which they know it
 * @throws Problem  `gone_stale`: somebody else has changed one of them; nothing was removed
 */
export const removeKnown = <T extends object>(target: string, known: T,
    ...members: (keyof T)[]): Promise<void> =>
    requestKnown<void, T>("DELETE", target, known, undefined, (now) =>
        members.some((name) => !isSame(now[name], known[name])));
