// Reading something from the server for a page: what came, what went wrong, and again.
import { onScopeDispose, ref, shallowRef, type Ref } from "vue";
import { Problem, type Page } from "@/api/http";

export interface Loaded<T> {
    data: Ref<T | null>;
    problem: Ref<Problem | null>;
    loading: Ref<boolean>;
    /** Reads again; of several at once the last one counts. */
    reload: () => Promise<void>;
    /**
     * Takes what became known otherwise, as by a message: at once, and again on the answer of a
     * reading that is under way, which may be older.
     */
    change: (apply: (data: T) => T) => void;
}

const asProblem = (error: unknown): Problem => {
    if (error instanceof Problem) {
        return error;
    }
    console.error(error);
    return new Problem("unexpected", 0);
};

export function useLoad<T>(read: () => Promise<T>): Loaded<T> {
    const data = shallowRef<T | null>(null) as Ref<T | null>;
    const problem = shallowRef<Problem | null>(null);
    const loading = ref(false);
    let round = 0;
    let changes: ((data: T) => T)[] = [];

    const change = (apply: (data: T) => T): void => {
        if (loading.value) {
            changes.push(apply);
        }
        if (data.value !== null) {
            data.value = apply(data.value);
        }
    };

    const reload = async (): Promise<void> => {
        const mine = ++round;
        loading.value = true;
        try {
            const result = await read();
            if (mine === round) {
                data.value = changes.reduce<T>((known, apply) => apply(known), result);
                problem.value = null;
            }
        } catch (error) {
            if (mine === round) {
                problem.value = asProblem(error);
            }
        } finally {
            if (mine === round) {
                loading.value = false;
                changes = [];
            }
        }
    };

    onScopeDispose(() => {
        round++;
    });
    void reload();
    return { data, problem, loading, reload, change };
}

export interface Pages<T> extends Loaded<T[]> {
    number: Ref<number>;
    hasNext: Ref<boolean>;
    next: () => Promise<void>;
    previous: () => Promise<void>;
    /** From the first page, as after a change of the filter. */
    restart: () => Promise<void>;
}

/** A list of the server page by page. Cursors lead forwards only, so the way back is remembered. */
export function usePages<T>(read: (cursor: string | undefined) => Promise<Page<T>>): Pages<T> {
    const cursors: (string | undefined)[] = [undefined];
    const number = ref(1);
    const hasNext = ref(false);
    let following: string | null = null;

    const loaded = useLoad<T[]>(async () => {
        const page = await read(cursors[cursors.length - 1]);
        following = page.next;
        hasNext.value = page.next !== null;
        number.value = cursors.length;
        return page.items;
    });

    return {
        ...loaded,
        number,
        hasNext,
        next: async () => {
            if (following !== null) {
                cursors.push(following);
                await loaded.reload();
            }
        },
        previous: async () => {
            if (cursors.length > 1) {
                cursors.pop();
                await loaded.reload();
            }
        },
        restart: async () => {
            cursors.splice(1);
            await loaded.reload();
        },
    };
}

/** All items of a list that is known to be short. */
export async function readAll<T>(read: (cursor?: string) => Promise<Page<T>>,
    most = 5000): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
        const page = await read(cursor);
        items.push(...page.items);
        cursor = page.next ?? undefined;
    } while (cursor !== undefined && items.length < most);
    return items;
}
