// What a page has and Node lacks, for clients that are written for pages.
"use strict";

const Ws = require("ws");

const stored = new Map();

globalThis.WebSocket ??= Ws;
globalThis.localStorage = {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => void stored.set(key, value),
    removeItem: (key) => void stored.delete(key),
    key: (index) => [...stored.keys()][index] ?? null,
    get length() { return stored.size; },
};
globalThis.Paho = require("paho-mqtt");
