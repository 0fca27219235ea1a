// Whether the server's certificate is by its own CA: then there is a ca.pem to be had.
import { ref, type Ref } from "vue";

export function useOwnCa(): Ref<boolean> {
    const own = ref(true);

    fetch("/ca.pem", { method: "HEAD" })
        .then((answer) => {
            own.value = answer.status !== 404;
        })
        .catch(() => {
            // Not reached: what is likely stays.
        });
    return own;
}
