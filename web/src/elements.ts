// The parts of Element Plus that are used, with their style sheets: files, so that the policy can
// forbid inline styles.
import {
    ElAlert, ElButton, ElCheckbox, ElCheckboxGroup, ElConfigProvider, ElDialog, ElDrawer,
    ElDropdown, ElDropdownItem, ElDropdownMenu, ElEmpty, ElForm, ElFormItem, ElIcon, ElInput,
    ElInputNumber, ElOption, ElRadioButton, ElRadioGroup, ElSelect, ElSkeleton, ElSwitch,
    ElTable, ElTableColumn, ElTag, ElTooltip,
} from "element-plus";
import type { App, Component } from "vue";
import "element-plus/es/components/alert/style/css";
import "element-plus/es/components/button/style/css";
import "element-plus/es/components/checkbox/style/css";
import "element-plus/es/components/checkbox-group/style/css";
import "element-plus/es/components/dialog/style/css";
import "element-plus/es/components/drawer/style/css";
import "element-plus/es/components/dropdown/style/css";
import "element-plus/es/components/dropdown-item/style/css";
import "element-plus/es/components/dropdown-menu/style/css";
import "element-plus/es/components/empty/style/css";
import "element-plus/es/components/form/style/css";
import "element-plus/es/components/form-item/style/css";
import "element-plus/es/components/icon/style/css";
import "element-plus/es/components/input/style/css";
import "element-plus/es/components/input-number/style/css";
import "element-plus/es/components/message/style/css";
import "element-plus/es/components/message-box/style/css";
import "element-plus/es/components/option/style/css";
import "element-plus/es/components/radio-button/style/css";
import "element-plus/es/components/radio-group/style/css";
import "element-plus/es/components/select/style/css";
import "element-plus/es/components/skeleton/style/css";
import "element-plus/es/components/switch/style/css";
import "element-plus/es/components/table/style/css";
import "element-plus/es/components/table-column/style/css";
import "element-plus/es/components/tag/style/css";
import "element-plus/es/components/tooltip/style/css";

const COMPONENTS: Record<string, Component> = {
    ElAlert, ElButton, ElCheckbox, ElCheckboxGroup, ElConfigProvider, ElDialog, ElDrawer,
    ElDropdown, ElDropdownItem, ElDropdownMenu, ElEmpty, ElForm, ElFormItem, ElIcon, ElInput,
    ElInputNumber, ElOption, ElRadioButton, ElRadioGroup, ElSelect, ElSkeleton, ElSwitch,
    ElTable, ElTableColumn, ElTag, ElTooltip,
};

export function installElements(app: App): void {
    for (const [name, component] of Object.entries(COMPONENTS)) {
        app.component(name, component);
    }
}
