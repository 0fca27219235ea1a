// Node-RED without its editor: runs a file of flows until its standard input ends.
//
// usage: node node-red.js FLOWS
//
// FLOWS is a JSON array as Node-RED exports it; beside it stands FLOWS_cred.json (without the
// `.json` of FLOWS) with the credentials of its nodes. Prints "started" when the flows have been.
"use strict";

const path = require("path");
const util = require("@node-red/util");
const runtime = require("@node-red/runtime");

const RECONNECT_MS = 50;
const flows = path.resolve(process.argv[2]);
const settings = {
    flowFile: path.basename(flows),
    userDir: path.dirname(flows),
    coreNodesDir: path.dirname(require.resolve("@node-red/nodes")),
    credentialSecret: false,
    httpAdminRoot: false,
    httpNodeRoot: false,
    mqttReconnectTime: RECONNECT_MS,
    logging: { console: { level: "warn" } },
    externalModules: { palette: { allowInstall: false }, modules: { allowInstall: false } },
};

util.init(settings);
runtime.init(settings, null, null);
util.events.on("flows:started", () => process.stdout.write("started\n"));
runtime.start();
process.stdin.on("end", () => runtime.stop().then(() => process.exit(0))).resume();
