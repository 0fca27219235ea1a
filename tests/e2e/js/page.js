// Opens page.html in headless Chromium, from a web server of its own, and subscribes.
//
// Arguments: URL of the application API, projectKey, projectSecret, protocol version, filter; then,
// if they are wanted, the QoS (otherwise 1) and a client identifier, for a session that is kept.
// Prints a line of JSON for each change of what the page shows: {"state": …} and {"value": …}, and
// for each message. A line in is an array: topic, payload and QoS to publish.
"use strict";

const fs = require("fs");
const http = require("http");
const path = require("path");
const readline = require("readline");
const { launch } = require("./chromium");

const FILES = {
    "/": path.join(__dirname, "page.html"),
    "/mqtt.min.js": path.join(__dirname, "node_modules/mqtt/dist/mqtt.min.js"),
};

function serve() {
    const server = http.createServer((request, response) => {
        const file = FILES[request.url];
        response.writeHead(file ? 200 : 404, { "Content-Type": request.url.endsWith(".js")
            ? "text/javascript" : "text/html" });
        response.end(file && fs.readFileSync(file));
    });
    return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function main([url, username, password, version, filter, qos = "1", clientId]) {
    const browser = await launch();
    const site = await serve();
    process.on("SIGTERM", () => browser.close().then(() => process.exit(0)));
    const page = await browser.newPage();
    page.on("console", (message) => process.stdout.write(`${message.text()}\n`));
    await page.goto(`http://127.0.0.1:${site.address().port}/`);
    await page.evaluate(() => {
        for (const id of ["state", "value"]) {
            const node = document.getElementById(id);
            new MutationObserver(() => console.log(JSON.stringify({ [id]: node.textContent })))
                .observe(node, { childList: true });
        }
    });
    await page.evaluate((login) => subscribe(...login),
        [url, username, password, Number(version), filter, Number(qos), clientId]);
    readline.createInterface({ input: process.stdin }).on("line", (line) =>
        page.evaluate((message) => publish(...message), JSON.parse(line)));
}

main(process.argv.slice(2)).catch((error) => {
    process.stdout.write(`failed: ${error.stack}\n`);
    process.exit(1);
});
