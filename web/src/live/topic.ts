// Topics and filters of the application API, as far as the console has to understand them.

export interface OpenTopic {
    device: string;
    kind: string;
    /** Of custom data: the stream's identifier. */
    stream?: string;
}

/** `open/<key>/<device>/<kind>` or `$open/…` of that project; otherwise null. */
export function parseTopic(topic: string, projectKey: string): OpenTopic | null {
    const parts = topic.split("/");

    if ((parts[0] !== "open" && parts[0] !== "$open") || parts[1] !== projectKey ||
        parts.length < 4) {
        return null;
    }
    return {
        device: parts[2],
        kind: parts[3],
        stream: parts.length > 4 ? parts.slice(4).join("/") : undefined,
    };
}

/** The filter behind `$share/<group>/…`, and what a bare `#` means to this server. */
export function plainFilter(filter: string, projectKey: string): string {
    if (filter === "#") {
        return `open/${projectKey}/#`;
    }
    const parts = filter.split("/");
    return parts[0] === "$share" ? parts.slice(2).join("/") : filter;
}

/** Whether a message with this topic was sent because of this filter (MQTT 5.0, 4.7). */
export function filterMatches(filter: string, topic: string, projectKey: string): boolean {
    const want = plainFilter(filter, projectKey).split("/");
    const have = topic.split("/");

    if (have[0].startsWith("$") && (want[0] === "+" || want[0] === "#")) {
        return false;
    }
    for (let index = 0; index < want.length; index++) {
        if (want[index] === "#") {
            return true;
        }
        if (index >= have.length || (want[index] !== "+" && want[index] !== have[index])) {
            return false;
        }
    }
    return want.length === have.length;
}

/** What is wrong with a filter's form, as the key of a text; null: nothing. */
export function filterFault(filter: string): "empty" | "hash" | "plus" | "share" | null {
    if (filter === "") {
        return "empty";
    }
    let parts = filter.split("/");
    if (parts[0] === "$share") {
        if (parts.length < 3 || parts[1] === "" || /[+#]/.test(parts[1]) || parts[2] === "") {
            return "share";
        }
        parts = parts.slice(2);
    }
    for (const [index, part] of parts.entries()) {
        if (part.includes("#") && (part !== "#" || index !== parts.length - 1)) {
            return "hash";
        }
        if (part.includes("+") && part !== "+") {
            return "plus";
        }
    }
    return null;
}
