// Pages are parts that are loaded when they are opened. One may not come: the server is away, or a
// newer one has other parts. In the second case the whole console is loaded again, at that place.
import { ref } from "vue";
import type { Router } from "vue-router";

const RELOADED = "eztcloud.reloaded";

/** The place that cannot be opened, because the server is away. */
export const missingPlace = ref<string | null>(null);

async function serverIsThere(): Promise<boolean> {
    try {
        return (await fetch("/", { method: "HEAD", cache: "no-store" })).ok;
    } catch {
        return false;
    }
}

/** Loads the console again at a place, if there is a server. */
export async function openAgain(place: string): Promise<void> {
    if (await serverIsThere()) {
        location.hash = place;
        location.reload();
    } else {
        missingPlace.value = place;
    }
}

export function watchMissingParts(router: Router): void {
    router.onError((error, to) => {
        console.warn(error);
        // a part that is missing from a console that was just loaded will not come the next time
        const isSecond = sessionStorage.getItem(RELOADED) === to.path;
        sessionStorage.setItem(RELOADED, to.path);
        if (isSecond) {
            missingPlace.value = to.fullPath;
        } else {
            void openAgain(to.fullPath);
        }
    });
    router.afterEach((_to, _from, failure) => {
        if (!failure) {
            sessionStorage.removeItem(RELOADED);
            missingPlace.value = null;
        }
    });
}
