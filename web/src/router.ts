// The pages. The address is in the fragment: the server has one page, and links that it prints
// (`/#/setup?token=…`) never show their token in a log of requests.
import { createRouter, createWebHashHistory, type RouteRecordRaw } from "vue-router";
import { findSession, isAdmin } from "@/state/session";

declare module "vue-router" {
    interface RouteMeta {
        /** May be seen without being signed in. */
        open?: boolean;
        /** For administrators alone. */
        admin?: boolean;
        /** Key of the title. */
        title?: string;
    }
}

const project: RouteRecordRaw[] = [
    { path: "", redirect: { name: "overview" } },
    {
        path: "overview", name: "overview", meta: { title: "nav.overview" },
        component: () => import("@/views/OverviewPage.vue"),
    },
    {
        path: "devices", name: "devices", meta: { title: "nav.devices" },
        component: () => import("@/views/DevicesPage.vue"),
    },
    {
        path: "devices/:device/:tab?", name: "device", props: true, meta: { title: "nav.devices" },
        component: () => import("@/views/DevicePage.vue"),
    },
    {
        path: "types", name: "types", meta: { title: "nav.types" },
        component: () => import("@/views/TypesPage.vue"),
    },
    {
        path: "types/:type", name: "type", props: true, meta: { title: "nav.types" },
        component: () => import("@/views/TypePage.vue"),
    },
    {
        path: "alarms/:tab?", name: "alarms", props: true, meta: { title: "nav.alarms" },
        component: () => import("@/views/AlarmsPage.vue"),
    },
    {
        path: "messages", name: "messages", meta: { title: "nav.messages" },
        component: () => import("@/views/MessagesPage.vue"),
    },
    {
        path: "tester", name: "tester", meta: { title: "nav.tester" },
        component: () => import("@/views/TesterPage.vue"),
    },
    {
        path: "sessions", name: "sessions", meta: { title: "nav.sessions" },
        component: () => import("@/views/SessionsPage.vue"),
    },
    {
        path: "settings/api", name: "settings-api", meta: { title: "nav.settingsApi" },
        component: () => import("@/views/ApplicationApiPage.vue"),
    },
    {
        path: "settings/general", name: "settings-general", meta: { title: "nav.settingsGeneral" },
        component: () => import("@/views/ProjectSettingsPage.vue"),
    },
];

const routes: RouteRecordRaw[] = [
    { path: "/", redirect: { name: "projects" } },
    {
        path: "/login", name: "login", meta: { open: true, title: "login.title" },
        component: () => import("@/views/LoginPage.vue"),
    },
    {
        path: "/setup", name: "setup", meta: { open: true, title: "setup.title" },
        component: () => import("@/views/SetupPage.vue"),
    },
    {
        path: "/projects", name: "projects", meta: { title: "nav.projects" },
        component: () => import("@/views/ProjectsPage.vue"),
    },
    {
        path: "/operators", name: "operators", meta: { admin: true, title: "nav.operators" },
        component: () => import("@/views/OperatorsPage.vue"),
    },
    {
        path: "/server", name: "server", meta: { title: "nav.server" },
        component: () => import("@/views/ServerPage.vue"),
    },
    {
        path: "/p/:project", props: true, children: project,
        component: () => import("@/components/ProjectFrame.vue"),
    },
    {
        path: "/:rest(.*)*", name: "nowhere", meta: { title: "nowhere.title" },
        component: () => import("@/views/NowherePage.vue"),
    },
];

export const router = createRouter({
    history: createWebHashHistory(),
    routes,
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
    if (to.meta.open) {
        return true;
    }
    if ((await findSession()) === null) {
        return { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
    }
    return to.meta.admin && !isAdmin.value ? { name: "projects" } : true;
});

/** Where to go after signing in: a place of this console, nothing that came from elsewhere. */
export function nextPlace(next: unknown): string {
    return typeof next === "string" && /^\/(?!\/)/.test(next) ? next : "/projects";
}

/** Called when the session has ended: back here after signing in again. */
export function toLogin(): Promise<unknown> {
    const here = router.currentRoute.value;
    return here.meta.open ? Promise.resolve()
        : router.replace({ name: "login", query: { next: here.fullPath } });
}
