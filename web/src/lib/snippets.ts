// Ready lines for applications: they are meant to be pasted and to work.
import { shellQuoted } from "./format";

export interface SnippetFacts {
    projectKey: string;
    secret: string;
    /** mqtts://host:port */
    mqtts: string;
    /** wss://host:port/mqtt */
    wss: string;
    /** https://host:port: where ca.pem is. */
    https: string;
    /** Whether the certificate is by the server's own CA. */
    ownCa: boolean;
}

export type SnippetName = "mosquitto" | "python" | "javascript";

interface Address {
    host: string;
    port: number;
}

/** Host and port of an endpoint's URL; of an IPv6 address without its brackets. */
export function addressOf(url: string, defaultPort: number): Address {
    const parts = /^[a-z]+:\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?/.exec(url);
    if (parts === null) {
        return { host: url, port: defaultPort };
    }
    return {
        host: parts[1].replace(/^\[|\]$/g, ""),
        port: parts[2] === undefined ? defaultPort : Number(parts[2]),
    };
}

const text = JSON.stringify; // a string literal of Python and of JavaScript alike

function mosquitto(facts: SnippetFacts): string {
    const { host, port } = addressOf(facts.mqtts, 8883);
    const ca = facts.ownCa ? "--cafile ca.pem" : "--capath /etc/ssl/certs";
    const subscribe = [
        `mosquitto_sub -h ${shellQuoted(host)} -p ${port} ${ca} \\`,
        `    -u ${shellQuoted(facts.projectKey)} -P ${shellQuoted(facts.secret)} \\`,
        `    -t ${shellQuoted(`open/${facts.projectKey}/+/+`)} -v`,
    ];
    const fetch = `curl -sk ${shellQuoted(`${facts.https}/ca.pem`)} -o ca.pem`;
    return (facts.ownCa ? [fetch, ...subscribe] : subscribe).join("\n") + "\n";
}

function python(facts: SnippetFacts): string {
    const { host, port } = addressOf(facts.mqtts, 8883);
    return `# pip install paho-mqtt
import json
import paho.mqtt.client as mqtt

KEY = ${text(facts.projectKey)}


def on_connect(client, userdata, flags, rc):
    print("connected" if rc == 0 else mqtt.connack_string(rc), flush=True)
    client.subscribe(f"open/{KEY}/+/attributes", qos=1)


def on_message(client, userdata, message):
    print(message.topic, json.loads(message.payload), flush=True)


# paho-mqtt 2 wants to be told the form of the callbacks, 1.6 does not know the question
forms = getattr(mqtt, "CallbackAPIVersion", None)
client = mqtt.Client(forms.VERSION1) if forms else mqtt.Client()
client.on_connect = on_connect
client.on_message = on_message
client.username_pw_set(KEY, ${text(facts.secret)})
client.tls_set(${facts.ownCa ? '"ca.pem"' : ""})
client.connect(${text(host)}, ${port})
client.loop_forever()
`;
}

function javascript(facts: SnippetFacts): string {
    return `// npm install mqtt
const fs = require("fs");
const mqtt = require("mqtt");

const key = ${text(facts.projectKey)};
const client = mqtt.connect(${text(facts.wss)}, {
    username: key,
    password: ${text(facts.secret)},
    protocolVersion: 5,${facts.ownCa ? '\n    ca: fs.readFileSync("ca.pem"),' : ""}
});

client.on("connect", () => client.subscribe(\`open/\${key}/+/attributes\`, { qos: 1 }));
client.on("message", (topic, payload, packet) =>
    console.log(topic, payload.toString(), packet.properties?.userProperties?.ts));
client.on("error", (error) => console.error(error.message));
`.replace(facts.ownCa ? "" : 'const fs = require("fs");\n', "");
}

const MAKERS: Record<SnippetName, (facts: SnippetFacts) => string> = {
    mosquitto, python, javascript,
};

export const SNIPPETS = Object.keys(MAKERS) as SnippetName[];

export const snippet = (name: SnippetName, facts: SnippetFacts): string => MAKERS[name](facts);
