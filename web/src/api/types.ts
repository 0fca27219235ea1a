// The forms of the HTTPS API, as /openapi.json describes them. Times (`…_ms`, `ts`) are Unix
// milliseconds.

export type Role = "admin" | "viewer";
export type Scope = "subscribe" | "push" | "command";
export type AlarmLevel = "normal" | "important" | "urgent";

export interface Session {
    username: string;
    role: Role;
    csrf_token: string;
    expires_ms: number;
}

export interface Operator {
    username: string;
    role: Role;
    created_ms: number;
    last_login_ms: number | null;
}

export interface Endpoints {
    device_mqtt: string[];
    device_ws: string[];
    device_mqtts: string[];
    app_mqtts: string[];
    app_wss: string[];
    https: string[];
}

export interface Server {
    version: string;
    started_ms: number;
    now_ms: number;
    workers: number;
    public_host: string;
    endpoints: Endpoints;
}

export interface Counter {
    name: string;
    kind: "total" | "gauge";
    unit: string;
    help: string;
    value: number;
}

export type Journaling = "when_owed" | "always" | "never";

export interface Project {
    project_key: string;
    name: string;
    enabled: boolean;
    open_mqtt: boolean;
    alarm_per_rule: boolean;
    log: boolean;
    /** When messages go through the journal. */
    journal: Journaling;
    endpoints: Endpoints;
    own_endpoints: Partial<Endpoints>;
    device_count: number;
    created_ms: number;
}

export interface Credentials {
    project_key: string;
    project_secret: string;
    project_token: string;
}

export interface Pass {
    url: string | null;
    username: string;
    password: string;
    scopes: string;
    expires_ms: number;
}

export interface Secret {
    name: string;
    scopes: Scope[];
    devices: string[] | null;
    types: string[] | null;
    addresses: string[] | null;
    expires_ms: number | null;
    created_ms: number;
    last_used_ms: number | null;
    last_used_address: string | null;
}

export type Direction = "report" | "push" | "both" | "private";
export type DataType = "number" | "text" | "switch" | "enum" | "object" | "list";

export interface Field {
    id: string;
    name?: string;
    type: DataType;
    unit?: string;
    precision?: number;
    minimum?: number;
    maximum?: number;
    values?: (string | number)[];
}

export interface AttributeDefinition extends Field {
    direction: Direction;
}

export interface MethodDefinition {
    id: string;
    name?: string;
    params?: Field[];
    reply?: Field[];
}

export interface StreamDefinition {
    id: string;
    name?: string;
    format: "binary" | "text" | "json" | "modbus_rtu";
}

export interface TypeDefinition {
    strict?: boolean;
    cloud_response?: boolean;
    max_rate?: number;
    offline_delay?: number;
    attributes?: AttributeDefinition[];
    events?: MethodDefinition[];
    commands?: MethodDefinition[];
    streams?: StreamDefinition[];
    /** What this console has no form for stays as it is. */
    [other: string]: unknown;
}

export interface DeviceType {
    product_key: string;
    project_key: string;
    code: string | null;
    name: string;
    definition?: TypeDefinition;
    device_count: number;
    created_ms: number;
}

export interface Device {
    username: string;
    project_key: string;
    name: string;
    type: string | null;
    enabled: boolean;
    sn: string | null;
    parent: string | null;
    /** Below its parent. */
    address: string | null;
    log: boolean;
    online: boolean;
    alerting: boolean;
    created_ms: number;
    password?: string;
}

export interface ConnectionEnd {
    host: string;
    port: number;
    username: string;
    password: string;
}

export interface Connection {
    mqtt: ConnectionEnd | null;
    mqtts: ConnectionEnd | null;
    topic: Record<string, string>;
}

export interface AttributeValue {
    value: unknown;
    ts: number;
}

export interface Attributes {
    attributes: Record<string, AttributeValue>;
    ts: number;
}

export interface Delivery {
    delivered: boolean;
    detail: string;
}

export type CommandStatus =
    "accepted" | "sent" | "delivered" | "replied" | "expired" | "offline" | "rejected";

export interface Command {
    id: string | number;
    method: string;
    status: CommandStatus;
    accepted_ms: number;
    changed_ms: number;
    /** null: it has ended. */
    expires_ms: number | null;
}

export type LogVerdict = "accepted" | "refused" | "recorded" | "dropped";

export interface LogEntry {
    number: number;
    ts: number;
    direction: "up" | "down";
    topic: string;
    qos: number;
    /** JSON as text, text, or hexadecimal digits. */
    payload: string;
    format: "json" | "text" | "hex";
    /** Of the payload in bytes, before it was cut. */
    length: number;
    verdict: LogVerdict;
    reason: string | null;
}

export interface AlarmCondition {
    attribute: string;
    operator: ">" | ">=" | "<" | "<=" | "==" | "!=";
    value: unknown;
}

export interface AlarmTrigger {
    all?: AlarmCondition[];
    any?: AlarmCondition[];
    offline?: true;
}

export interface AlarmDefinition {
    name: string;
    level: AlarmLevel;
    source: { type?: string; devices?: string[] };
    except?: string[];
    trigger: AlarmTrigger;
    repeat?: number;
    duration?: number;
    enabled?: boolean;
}

export interface AlarmRuleEntry {
    rule: string;
    project_key: string;
    name: string;
    level: AlarmLevel;
    enabled: boolean;
    created_ms: number;
}

export interface AlarmRule extends AlarmRuleEntry {
    definition: AlarmDefinition;
}

/** A rule as it stands with one of the devices in its source. */
export interface DeviceAlarmRule extends AlarmRuleEntry {
    switched_off: boolean;
}

export interface AlarmState {
    device: string;
    rule: string;
    name: string;
    level: AlarmLevel;
    state: "normal" | "pending" | "alerting";
    /** null: it has always been so. */
    since_ms: number | null;
    met_since_ms: number | null;
    met_count: number;
}

export interface AlarmChange {
    number: number;
    device: string;
    rule: string;
    name: string;
    level: AlarmLevel;
    state: "normal" | "pending" | "alerting" | "restored";
    /** null: they were too large to be kept. */
    values: Record<string, unknown> | null;
    ts: number;
}

export type NotifierChange = "alerting" | "restored";

/** Who is told of alarms; null: of any. */
export interface Notifier {
    name: string;
    /** Viewers see it without its path. */
    url: string;
    enabled: boolean;
    levels: AlarmLevel[] | null;
    changes: NotifierChange[] | null;
    devices: string[] | null;
    types: string[] | null;
    created_ms: number;
}

export interface NotifierResult {
    at_ms: number;
    test: boolean;
    delivered: boolean;
    /** null: there was no answer. */
    status: number | null;
    cause: string | null;
    tries: number;
}

export interface NotifierStatus {
    waiting: number;
    failures: number;
    last: NotifierResult | null;
}

/** A message as the journal has it. */
export interface StoredMessage {
    seq: number;
    ts: number;
    stored_ms: number;
    device: string;
    kind: string;
    stream: string | null;
    format: "json" | "text" | "hex";
    payload: string;
}

export interface ApplicationSession {
    client_id: string;
    protocol: string;
    connected: boolean;
    address: string | null;
    persistent: boolean;
    expiry_s: number;
    subscriptions: { filter: string; qos: number }[];
    queued: number;
    queued_bytes: number;
    unacknowledged: number;
    /** More waits in the journal. */
    behind: boolean;
}
