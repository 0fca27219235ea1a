// MQTT clients of npm, each of an implementation of its own, driven by lines of JSON.
//
// usage: NODE_EXTRA_CA_CERTS=CA node clients.mjs CA
//
// A line in is a command to one client: {"id": n, "do": "open" | "subscribe" | "publish" | "close",
// …}. A line out is what that client told: {"id": n, "what": "connect" | "refused" | "granted" |
// "published" | "message" | "closed", "value": …}. Payloads are hexadecimal. Every client reconnects by itself,
// by its own means, and tells `connect` again. What a client cannot tell is null.
import fs from "node:fs";
import readline from "node:readline";
import mqtt from "mqtt";
import mqtts from "mqtts";
import { mqtt_v4, mqtt_v5 } from "u8-mqtt";
import "./browser.js";

const RECONNECT_MS = 20;
const ca = fs.readFileSync(process.argv[2]);
const { Paho } = globalThis;

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Buffer.from(text, "hex");
const isOfNetwork = (error) => typeof error.code === "string"; // "ECONNRESET": it comes back

function openMqttjs(options, tell) {
    const { url, username, password, version, clientId, clean, expiry, will } = options;
    const client = mqtt.connect(url, {
        ca, username, password, clientId, clean,
        protocolVersion: version,
        reconnectPeriod: RECONNECT_MS,
        resubscribe: false,
        properties: version === 5 ? { sessionExpiryInterval: expiry } : undefined,
        will: will && { topic: will.topic, payload: bytes(will.payload), qos: will.qos },
    });
    client.on("connect", (connack) => tell("connect", connack.sessionPresent));
    client.on("error", (error) => {
        if (!isOfNetwork(error)) {
            tell("refused", error.code);
            client.end(true);
        }
    });
    client.on("message", (topic, payload, packet) => tell("message", {
        topic,
        payload: hex(payload),
        qos: packet.qos,
        user: packet.properties?.userProperties ?? {},
        contentType: packet.properties?.contentType,
    }));
    return {
        subscribe: (filter, qos) => client.subscribe(filter, { qos }, (error, granted) =>
            tell("granted", error ? error.message : granted.map((each) => each.qos))),
        publish: (topic, payload, qos) => client.publish(topic, payload, { qos },
            (error, packet) => tell("published", error?.code ?? packet?.reasonCode ?? 0)),
        close: () => client.end(),
    };
}

function openPaho(options, tell) {
    const { url, username, password, clientId, clean, will } = options;
    const client = new Paho.Client(url, clientId);

    client.disconnectedPublishing = true;
    client.onConnected = () => tell("connect", null);
    client.onMessageArrived = (message) => tell("message", {
        topic: message.destinationName, payload: hex(message.payloadBytes), qos: message.qos,
    });
    const message = (topic, payload, qos) => Object.assign(
        new Paho.Message(new Uint8Array(payload)), { destinationName: topic, qos });
    client.connect({
        userName: username, password,
        cleanSession: clean,
        mqttVersion: 4,
        mqttVersionExplicit: true,
        reconnect: true,
        ...(will && { willMessage: message(will.topic, bytes(will.payload), will.qos) }),
        onFailure: ({ errorMessage }) => tell("refused", errorMessage),
    });
    return {
        subscribe: (filter, qos) => client.subscribe(filter, {
            qos,
            onSuccess: ({ grantedQos }) => tell("granted", [...grantedQos]),
            onFailure: ({ errorCode }) => tell("granted", [...errorCode]),
        }),
        publish: (topic, payload, qos) => {
            // With this callback, paho throws when a message of QoS 0 has been sent.
            if (qos > 0)
                client.onMessageDelivered = () => tell("published");
            client.send(message(topic, payload, qos));
            if (qos === 0)
                tell("published");
        },
        close: () => client.isConnected() && client.disconnect(),
    };
}

function openMqtts(options, tell) {
    const { url, username, password, clientId, clean, will } = options;
    const { hostname: host, port } = new URL(url);
    const strategy = new mqtts.MqttsReconnectStrategyDefault(100, RECONNECT_MS);
    const client = new mqtts.MqttClient({
        transport: new mqtts.TlsTransport({ host, port: Number(port), additionalOptions: { ca } }),
        autoReconnect: strategy,
    });
    client.on("connect", (connack) => tell("connect", connack.sessionPresent));
    client.on("error", (error) => isOfNetwork(error) || tell("refused", error.message));
    client.on("message", (message) => tell("message", {
        topic: message.topic, payload: hex(message.payload), qos: message.qosLevel,
    }));
    client.connect({
        username, password, clientId, clean,
        will: will && { topic: will.topic, message: bytes(will.payload), qosLevel: will.qos },
    });
    return {
        subscribe: (topic, qosLevel) => client.subscribe({ topic, qosLevel }).then(
            (granted) => tell("granted", [granted]), (error) => tell("granted", error.message)),
        publish: (topic, payload, qosLevel) => client.publish({ topic, payload, qosLevel }).then(
            () => tell("published", null)),
        close: () => {
            strategy.check = () => false; // or it may come back after its own farewell
            client.disconnect();
        },
    };
}

function openU8(options, tell) {
    const { url, username, password, version, clientId, clean, expiry, will } = options;
    const login = () => ({
        username, password,
        client_id: clientId,
        flags: { clean_start: clean },
        will: will && { topic: will.topic, payload: bytes(will.payload), qos: will.qos },
        props: version === 5 ? { session_expiry_interval: expiry } : undefined,
    });
    const client = (version === 5 ? mqtt_v5 : mqtt_v4)();
    client.log_conn = null;
    client.on_error = () => {};
    client.on_live = () => client.connect(login()).then(
        ([connack]) => tell("connect", Boolean(connack.flags.session_present)),
        (error) => tell("refused", Number(error.reason)));
    client.on_topic("*", (packet) => tell("message", {
        topic: packet.topic,
        payload: hex(packet.payload),
        qos: packet.qos,
        user: packet.props?.user_properties ?? {},
        contentType: packet.props?.content_type,
    }));
    client.with_autoreconnect(RECONNECT_MS);
    if (url.startsWith("wss:"))
        client.with_websock(url);
    else
        client.with_tls(url, { ca });
    return {
        subscribe: (filter, qos) => client.subscribe([[filter, { qos }]]).then(
            ([suback]) => tell("granted", [...suback.answers].map(Number))),
        publish: (topic, payload, qos) => client.pub({ topic, payload, qos }).then(
            (answer) => tell("published", Number(answer[0]?.reason ?? 0))), // QoS 0: true
        close: () => client.disconnect(),
    };
}

const openers = { mqttjs: openMqttjs, paho: openPaho, mqtts: openMqtts, u8: openU8 };
const clients = new Map();

function tell(id, what, value = null) {
    process.stdout.write(JSON.stringify({ id, what, value }) + "\n");
}

function carryOut({ id, do: what, kind, filter, topic, payload, qos, ...options }) {
    if (what === "open")
        clients.set(id, openers[kind](options, (event, value) => tell(id, event, value)));
    else if (what === "subscribe")
        clients.get(id).subscribe(filter, qos);
    else if (what === "publish")
        clients.get(id).publish(topic, bytes(payload), qos);
    else {
        clients.get(id).close();
        tell(id, "closed");
    }
}

readline.createInterface({ input: process.stdin })
    .on("line", (line) => carryOut(JSON.parse(line)))
    .on("close", () => process.exit(0));
