// Alarm rules, what alerts now, what happened, and who is told.
import { get, path, post, remove, type Page, type Query } from "./http";
import { patchKnown } from "./known";
import type {
    AlarmChange, AlarmDefinition, AlarmRule, AlarmRuleEntry, AlarmState, Notifier, NotifierResult,
    NotifierStatus,
} from "./types";

export const rules = (key: string, cursor?: string): Promise<Page<AlarmRuleEntry>> =>
    get(path("projects", key, "alarm_rules"), { cursor, limit: 25 });
export const rule = (key: string, rule: string): Promise<AlarmRule> =>
    get(path("projects", key, "alarm_rules", rule));
export const addRule = (key: string, definition: AlarmDefinition): Promise<AlarmRule> =>
    post(path("projects", key, "alarm_rules"), { definition });
export const changeRule = (known: AlarmRuleEntry,
    change: { definition?: AlarmDefinition; enabled?: boolean }): Promise<AlarmRule> =>
    patchKnown(path("projects", known.project_key, "alarm_rules", known.rule), known, change);
export const removeRule = (key: string, rule: string): Promise<void> =>
    remove(path("projects", key, "alarm_rules", rule));

/** What alerts, or is about to. */
export const active = (key: string, filter: Query, cursor?: string): Promise<Page<AlarmState>> =>
    get(path("projects", key, "alarms"), { ...filter, cursor, limit: 50 });
export const history = (key: string, filter: Query,
    cursor?: string): Promise<Page<AlarmChange>> =>
    get(path("projects", key, "alarm_history"), { ...filter, cursor, limit: 50 });

const notifierPath = (key: string, ...more: string[]): string =>
    path("projects", key, "notifiers", ...more);

export const notifiers = (key: string, cursor?: string): Promise<Page<Notifier>> =>
    get(notifierPath(key), { cursor, limit: 200 });
export const notifierStatus = (key: string, name: string): Promise<NotifierStatus> =>
    get(notifierPath(key, name, "status"));
export const addNotifier = (key: string,
    fields: Record<string, unknown>): Promise<Notifier & { secret: string }> =>
    post(notifierPath(key), fields);
export const changeNotifier = (key: string, known: Notifier,
    change: Record<string, unknown>): Promise<Notifier> =>
    patchKnown(notifierPath(key, known.name), known, change);
export const renewNotifier = (key: string, name: string): Promise<{ secret: string }> =>
    post(notifierPath(key, name, "renew"));
export const removeNotifier = (key: string, name: string): Promise<void> =>
    remove(notifierPath(key, name));
export const testNotifier = (key: string, name: string): Promise<NotifierResult> =>
    post(notifierPath(key, name, "test"));
