// Who is signed in. The cookie is the server's; the page holds the name, the role and the CSRF
// token, and asks for them anew after each load.
import { computed, shallowRef } from "vue";
import { setCsrfToken } from "@/api/http";
import * as api from "@/api/session";
import type { Session } from "@/api/types";

const session = shallowRef<Session | null>(null);
let asked = false;

export const currentSession = computed(() => session.value);
export const isAdmin = computed(() => session.value?.role === "admin");

export function beginSession(next: Session): void {
    session.value = next;
    asked = true;
    setCsrfToken(next.csrf_token);
}

export function endSession(): void {
    session.value = null;
    setCsrfToken("");
}

/** The session of this browser, asked of the server once a load; null: nobody is signed in. */
export async function findSession(): Promise<Session | null> {
    if (!asked) {
        try {
            beginSession(await api.current());
        } catch {
            endSession();
        }
    }
    return session.value;
}

/**
 * Asks again who is signed in: somebody has signed in in another window of this browser. True: it is
 * the same person, so what was begun here may go on.
 */
export async function renewSession(): Promise<boolean> {
    const before = session.value?.username;
    try {
        beginSession(await api.current());
    } catch {
        return false; // what was asked for fails, and says so
    }
    return session.value?.username === before;
}

export async function signOut(): Promise<void> {
    try {
        await api.logout();
    } finally {
        endSession();
    }
}
