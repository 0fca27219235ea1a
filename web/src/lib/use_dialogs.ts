// Questions before what cannot be undone, and short notes after what was done.
import { ElMessage, ElMessageBox } from "element-plus";
import { useI18n } from "vue-i18n";

export interface Dialogs {
    /** Whether the operator said yes. */
    confirm: (title: string, text: string, action: string) => Promise<boolean>;
    note: (text: string) => void;
}

export function useDialogs(): Dialogs {
    const { t } = useI18n();

    return {
        confirm: async (title, text, action) => {
            try {
                await ElMessageBox.confirm(text, title, {
                    confirmButtonText: action,
                    cancelButtonText: t("common.cancel"),
                    confirmButtonClass: "el-button--danger",
                    autofocus: false,
                });
                return true;
            } catch {
                return false;
            }
        },
        note: (text) => {
            ElMessage({ type: "success", message: text, duration: 2500 });
        },
    };
}
