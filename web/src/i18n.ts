// Languages: English and Simplified Chinese. What the operator chose is remembered in the browser;
// before that the browser's own languages decide.
import en from "@/locales/en";
import zhCN from "@/locales/zh-CN";
import { createI18n } from "vue-i18n";

export type Locale = "en" | "zh-CN";
export const LOCALES: { name: Locale; label: string }[] = [
    { name: "en", label: "English" },
    { name: "zh-CN", label: "简体中文" },
];

const STORED = "eztcloud.locale";

export function preferredLocale(stored: string | null, languages: readonly string[]): Locale {
    if (stored === "en" || stored === "zh-CN") {
        return stored;
    }
    for (const language of languages) {
        if (/^zh\b/i.test(language)) {
            return "zh-CN";
        }
        if (/^en\b/i.test(language)) {
            return "en";
        }
    }
    return "en";
}

export const i18n = createI18n({
    legacy: false,
    locale: preferredLocale(localStorage.getItem(STORED), navigator.languages),
    fallbackLocale: "en",
    messages: { en, "zh-CN": zhCN },
});

document.documentElement.lang = i18n.global.locale.value;

export function setLocale(locale: Locale): void {
    i18n.global.locale.value = locale;
    localStorage.setItem(STORED, locale);
    document.documentElement.lang = locale;
}
