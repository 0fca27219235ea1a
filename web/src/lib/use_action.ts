// Something that a person starts: once at a time, and what goes wrong is said.
import { ElMessage, ElMessageBox } from "element-plus";
import { ref, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { Problem } from "@/api/http";

type Translate = (key: string, values?: Record<string, unknown>) => string;

const KNOWN = new Set(["network", "unexpected", "malformed", "invalid", "unauthenticated",
    "forbidden", "csrf", "not_found", "method_not_allowed", "conflict", "gone_stale", "too_large",
    "unsupported_media_type", "refused", "locked_out", "too_many", "internal", "unavailable"]);

/** A problem in the operator's language. */
export function problemText(t: Translate, problem: Problem): string {
    if (problem.code === "invalid" && problem.field) {
        return t("problem.invalidField", { field: problem.field });
    }
    return t(`problem.${KNOWN.has(problem.code) ? problem.code : "unexpected"}`);
}

/** What the server adds in its own words, where it says more than the code does. */
export function problemDetail(t: Translate, problem: Problem): string {
    const place = problem.line === undefined ? ""
        : t("problem.place", { line: problem.line, column: problem.column ?? 1 });
    return [problem.detail, place].filter((part) => part !== "").join(" · ");
}

export interface Action<A extends unknown[]> {
    busy: Ref<boolean>;
    problem: Ref<Problem | null>;
    /** Whether it went well. */
    run: (...args: A) => Promise<boolean>;
    /** Shows what is there now, when somebody else has changed it. */
    load?: () => Promise<void>;
}

/**
 * @param quiet  the caller shows `problem` itself; otherwise a message appears
 * @param reload  shows what is there now: offered when somebody else has changed it
 */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<unknown>,
    quiet = false, reload?: () => Promise<unknown>): Action<A> {
    const { t } = useI18n();
    const busy = ref(false);
    const problem = ref<Problem | null>(null) as Ref<Problem | null>;
    const load = reload && (async (): Promise<void> => {
        await reload();
        problem.value = null;
    });

    const tell = async (error: Problem): Promise<void> => {
        const detail = problemDetail(t, error);
        if (error.code !== "gone_stale" || load === undefined) {
            ElMessage({
                type: "error",
                message: detail ? `${problemText(t, error)} (${detail})` : problemText(t, error),
                duration: 6000,
                showClose: true,
            });
            return;
        }
        const wants = await ElMessageBox.confirm(t("problem.staleText"), problemText(t, error), {
            confirmButtonText: t("problem.loadNow"), cancelButtonText: t("common.cancel"),
            type: "warning",
        }).then(() => true, () => false);
        if (wants) {
            await load();
        }
    };

    const run = async (...args: A): Promise<boolean> => {
        if (busy.value) {
            return false;
        }
        busy.value = true;
        problem.value = null;
        try {
            await act(...args);
            return true;
        } catch (error) {
            if (!(error instanceof Problem)) {
                throw error;
            }
            problem.value = error;
            if (!quiet) {
                void tell(error);
            }
            return false;
        } finally {
            busy.value = false;
        }
    };
    return { busy, problem, run, load };
}
