// What all pages share of the browser: how wide it is, and what time it is.
import { readonly, ref, type Ref } from "vue";

function matches(query: string): Readonly<Ref<boolean>> {
    const list = window.matchMedia(query);
    const value = ref(list.matches);
    list.addEventListener("change", (event) => {
        value.value = event.matches;
    });
    return readonly(value);
}

/** A telephone: tables lose their lesser columns. */
export const isNarrow = matches("(max-width: 640px)");
/** No room for a sidebar. */
export const isCompact = matches("(max-width: 960px)");

const clock = ref(Date.now());
setInterval(() => {
    clock.value = Date.now();
}, 5000);

/** The time, every five seconds: for "2 minutes ago". */
export const now = readonly(clock);
