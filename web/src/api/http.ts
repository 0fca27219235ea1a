// Calls of the HTTPS API. What goes wrong is always a `Problem`: the server's own
// (application/problem+json), or one made here when there was no answer that can be read.

export interface ProblemBody {
    type: string;
    title: string;
    status: number;
    detail?: string;
    field?: string;
    line?: number;
    column?: number;
}

const PROBLEM_PREFIX = "urn:eztcloud:problem:";

export class Problem extends Error {
    readonly code: string;
    readonly status: number;
    readonly detail: string;
    readonly field?: string;
    readonly line?: number;
    readonly column?: number;

    constructor(code: string, status: number, body: Partial<ProblemBody> = {}) {
        super(body.detail || body.title || code);
        this.name = "Problem";
        this.code = code;
        this.status = status;
        this.detail = body.detail ?? "";
        this.field = body.field;
        this.line = body.line;
        this.column = body.column;
    }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
    query?: Query;
    body?: unknown;
    /** Bytes that go as they are, instead of `body`. */
    bytes?: string | Uint8Array<ArrayBuffer>;
    signal?: AbortSignal;
    /** Only if the thing still has this tag. */
    ifMatch?: string;
    /** A 401 is an answer here, not the end of the session (login itself). */
    keepsSession?: boolean;
}

export interface Page<T> {
    items: T[];
    next: string | null;
}

// What was read carries its tag, unseen by those who list, copy or send its members.
const TAG = Symbol("tag");

/** The ETag with which this was read; undefined: it is a part of something, or was made here. */
export function tagOf(thing: object): string | undefined {
    return (thing as { [TAG]?: string })[TAG];
}

let csrfToken = "";
let onSessionEnd: () => void = () => {};
let onStaleToken: () => Promise<boolean> = () => Promise.resolve(false);

/** The token that unsafe methods carry; it came with the session. */
export function setCsrfToken(token: string): void {
    csrfToken = token;
}

/** Called when the server no longer knows this browser's session. */
export function setSessionEndHandler(handler: () => void): void {
    onSessionEnd = handler;
}

/** Called when the token is not that of the session; true: there is a new one for the same person. */
export function setStaleTokenHandler(handler: () => Promise<boolean>): void {
    onStaleToken = handler;
}

export function withQuery(path: string, query: Query = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
        if (value !== undefined && value !== null && value !== "") {
            parameters.set(name, String(value));
        }
    }
    const text = parameters.toString();
    return text ? `${path}?${text}` : path;
}

/** A path of which each part is escaped: `path("projects", key)`. */
export function path(...parts: string[]): string {
    return `/api/v1/${parts.map(encodeURIComponent).join("/")}`;
}

async function problemOf(response: Response): Promise<Problem> {
    let body: Partial<ProblemBody> = {};
    try {
        body = (await response.json()) as Partial<ProblemBody>;
    } catch {
        // No JSON: something between us and the server answered.
    }
    const type = body.type ?? "";
    const code = type.startsWith(PROBLEM_PREFIX) ? type.slice(PROBLEM_PREFIX.length) : "unexpected";
    return new Problem(code, response.status, body);
}

async function send(method: string, target: string, options: RequestOptions): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json" };
    let body: string | Uint8Array<ArrayBuffer> | undefined;

    if (options.bytes !== undefined) {
        headers["Content-Type"] = "application/octet-stream";
        body = options.bytes;
    } else if (options.body !== undefined) {
        headers["Content-Type"] = "application/json";
        body = JSON.stringify(options.body);
    }
    if (options.ifMatch !== undefined) {
        headers["If-Match"] = options.ifMatch;
    }
    if (method !== "GET" && csrfToken) {
        headers["X-CSRF-Token"] = csrfToken;
    }
    try {
        return await fetch(withQuery(target, options.query), {
            method, headers, body, signal: options.signal, credentials: "same-origin",
        });
    } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") {
            throw error;
        }
        throw new Problem("network", 0);
    }
}

async function read<T>(response: Response): Promise<T> {
    if (response.status === 204) {
        return undefined as T;
    }
    let value: T;
    try {
        value = (await response.json()) as T;
    } catch {
        throw new Problem("unexpected", response.status);
    }
    const tag = response.headers.get("ETag");
    if (tag !== null && typeof value === "object" && value !== null) {
        Object.defineProperty(value, TAG, { value: tag });
    }
    return value;
}

export async function request<T>(method: string, target: string,
    options: RequestOptions = {}): Promise<T> {
    let response = await send(method, target, options);

    if (!response.ok) {
        let problem = await problemOf(response);
        if (problem.code === "csrf" && await onStaleToken()) {
            response = await send(method, target, options);
            if (response.ok) {
                return read<T>(response);
            }
            problem = await problemOf(response);
        }
        if (response.status === 401 && !options.keepsSession) {
            onSessionEnd();
        }
        throw problem;
    }
    return read<T>(response);
}

export const get = <T>(target: string, query?: Query, signal?: AbortSignal): Promise<T> =>
    request<T>("GET", target, { query, signal });
export const post = <T>(target: string, body?: unknown): Promise<T> =>
    request<T>("POST", target, { body });
export const remove = (target: string): Promise<void> => request<void>("DELETE", target);
