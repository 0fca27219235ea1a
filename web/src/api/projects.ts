// Projects, their credentials and secrets, their applications' sessions, and the server.
import { get, path, post, remove, type Page, type Query } from "./http";
import { patchKnown, removeKnown } from "./known";
import type {
    ApplicationSession, Counter, Credentials, Pass, Project, Secret, Server, StoredMessage,
} from "./types";

export const server = (): Promise<Server> => get(path("server"));
export const counters = (): Promise<Page<Counter>> => get(path("server", "counters"));

export const projects = (cursor?: string): Promise<Page<Project>> =>
    get(path("projects"), { cursor, limit: 200 });
export const project = (key: string): Promise<Project> => get(path("projects", key));
export const addProject = (name: string): Promise<Project> => post(path("projects"), { name });
export const changeProject = (known: Project, change: Record<string, unknown>): Promise<Project> =>
    patchKnown(path("projects", known.project_key), known, change);
export const removeProject = (known: Project): Promise<void> =>
    removeKnown(path("projects", known.project_key), known, "name");

export const credentials = (key: string): Promise<Credentials> =>
    get(path("projects", key, "credentials"));
export const renewToken = (key: string): Promise<{ project_token: string }> =>
    post(path("projects", key, "token", "renew"));
export const pass = (key: string, scopes: string): Promise<Pass> =>
    post(path("projects", key, "passes"), { scopes });

export const secrets = (key: string, cursor?: string): Promise<Page<Secret>> =>
    get(path("projects", key, "secrets"), { cursor });
export const addSecret = (key: string,
    secret: Partial<Secret>): Promise<Secret & { secret: string }> =>
    post(path("projects", key, "secrets"), secret);
export const secretValue = (key: string, name: string): Promise<{ secret: string }> =>
    get(path("projects", key, "secrets", name, "value"));
export const renewSecret = (key: string, name: string): Promise<{ secret: string }> =>
    post(path("projects", key, "secrets", name, "renew"));
export const removeSecret = (key: string, name: string): Promise<void> =>
    remove(path("projects", key, "secrets", name));

export const sessions = (key: string, cursor?: string): Promise<Page<ApplicationSession>> =>
    get(path("projects", key, "sessions"), { cursor });
export const removeSession = (key: string, clientId: string): Promise<void> =>
    remove(path("projects", key, "sessions", clientId));

export const messages = (key: string, filter: Query, cursor?: string): Promise<Page<StoredMessage>> =>
    get(path("projects", key, "messages"), { ...filter, cursor, limit: 50 });
