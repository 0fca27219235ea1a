// An application with MQTT.js in Node, driven by lines of JSON.
//
// The first line has the options of mqtt.connect() and `url`; the others are {"subscribe": filter,
// "qos": n}, {"publish": topic, "payload": text, "qos": n} or {"end": true}. It prints a line for
// each event: connect, error, granted, published, message (payload in base64), close.
"use strict";

const fs = require("fs");
const mqtt = require("mqtt");
const readline = require("readline");

const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
let client;

function start({ url, ca, ...options }) {
    client = mqtt.connect(url, { ...options, ca: ca && fs.readFileSync(ca), reconnectPeriod: 0 });
    client.on("connect", (connack) => say({ connect: connack.sessionPresent }));
    client.on("error", (error) => say({ error: error.code ?? error.message }));
    client.on("close", () => say({ close: true }));
    client.on("message", (topic, payload, packet) => say({
        message: topic,
        payload: payload.toString("base64"),
        qos: packet.qos,
        user: packet.properties?.userProperties,
        contentType: packet.properties?.contentType,
    }));
}

function carryOut({ subscribe, publish, payload, qos, end }) {
    if (subscribe)
        client.subscribe(subscribe, { qos }, (error, granted) =>
            say({ granted: error ? error.message : granted.map((each) => each.qos) }));
    if (publish)
        client.publish(publish, payload, { qos }, (error, packet) =>
            say({ published: error?.message ?? true, code: error?.code ?? packet?.reasonCode }));
    if (end)
        client.end(false, {}, () => process.exit(0));
}

readline.createInterface({ input: process.stdin }).on("line", (line) =>
    (client ? carryOut : start)(JSON.parse(line)));
