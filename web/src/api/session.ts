// Who is signed in, and the operators.
import { get, path, post, remove, request, type Page } from "./http";
import { patchKnown } from "./known";
import type { Operator, Role, Session } from "./types";

export const setupNeeded = async (): Promise<boolean> =>
    (await get<{ needed: boolean }>(path("setup"))).needed;

export const setup = (token: string, username: string, password: string): Promise<Session> =>
    request<Session>("POST", path("setup"),
        { body: { token, username, password }, keepsSession: true });

export const login = (username: string, password: string): Promise<Session> =>
    request<Session>("POST", path("login"), { body: { username, password }, keepsSession: true });

export const logout = (): Promise<void> =>
    request<void>("POST", path("logout"), { keepsSession: true });

export const current = (): Promise<Session> =>
    request<Session>("GET", path("session"), { keepsSession: true });

export const changePassword = (oldPassword: string, newPassword: string): Promise<void> =>
    request<void>("POST", path("session", "password"),
        { body: { old_password: oldPassword, new_password: newPassword }, keepsSession: true });

export const operators = (cursor?: string): Promise<Page<Operator>> =>
    get(path("operators"), { cursor });

export const addOperator = (username: string, password: string, role: Role): Promise<Operator> =>
    post(path("operators"), { username, password, role });

export const changeOperator = (known: Operator,
    change: { password?: string; role?: Role }): Promise<Operator> =>
    patchKnown(path("operators", known.username), known, change);

export const removeOperator = (username: string): Promise<void> =>
    remove(path("operators", username));
