// Drives the web console in headless Chromium: a command in, an answer out, a line of JSON each.
//
// {"do": name, "args": [...]} is answered by {"is": value} or {"failed": text}. "goto" waits until
// the page has read what it shows, and so does "quiet" by itself. What must not
// happen on any page (errors in its console, violations of its policy, requests to other hosts)
// is collected, and told by "faults".
"use strict";

const readline = require("readline");
const { launch } = require("./chromium");

const [origin, timeout] = process.argv.slice(2);
let browser;
let context;
let page;
let faults = [];
const unanswered = new Set(); // requests of the page

// A server that is away on purpose, and answers that tests ask for, are no faults of the page.
const EXPECTED = /Failed to load resource|WebSocket connection to|net::ERR_/;
// Of the warnings those that mean a fault of ours; forms log what people typed wrong.
const WARNINGS = /intlify|Vue|router|policy|deprecat/i;

function watch(each) {
    each.on("console", (message) => {
        const isFault = message.type() === "error" ||
            (message.type() === "warning" && WARNINGS.test(message.text()));
        if (isFault && !EXPECTED.test(message.text()))
            faults.push(`${message.type()}: ${message.text()}`);
    });
    each.on("pageerror", (error) => faults.push(`error: ${error.message}`));
    each.on("request", (request) => {
        if (!request.url().startsWith(origin) && !/^(blob|data):/.test(request.url()))
            faults.push(`request to ${request.url()}`);
        unanswered.add(request);
    });
    for (const end of ["requestfinished", "requestfailed"])
        each.on(end, (request) => unanswered.delete(request));
}

// Until all is answered that the page has asked for, and what it has asked for then.
async function quiet() {
    const until = Date.now() + Number(timeout);
    for (let calm = 0; calm < 2; calm = unanswered.size === 0 ? calm + 1 : 0) {
        if (Date.now() > until)
            throw new Error(`no answer to ${[...unanswered].map((each) => each.url())}`);
        // what has come is shown, and what that asks for has been sent
        await page.evaluate(() => new Promise((shown) =>
            requestAnimationFrame(() => setTimeout(shown))));
    }
}

// Notes when an element first shows a text, by the clock that all programs here share.
function noteText([selector, text]) {
    const shown = () => [...document.querySelectorAll(selector)]
        .some((node) => node.textContent.trim() === text);
    window.noted = new Promise((resolve) => {
        const look = () => shown() && (observer.disconnect(),
            resolve(performance.timeOrigin + performance.now()));
        const observer = new MutationObserver(look);
        observer.observe(document.body,
            { childList: true, characterData: true, subtree: true, attributes: true });
        look();
    });
}

const commands = {
    async start(locale, width, height) {
        await context?.close();
        faults = [];
        unanswered.clear();
        context = await browser.newContext({ locale, viewport: { width, height },
            ignoreHTTPSErrors: true, acceptDownloads: true,
            permissions: ["clipboard-read", "clipboard-write"] });
        context.setDefaultTimeout(Number(timeout));
        page = await context.newPage();
        watch(page);
    },
    cookie: (name, value) => context.addCookies([{ name, value, url: origin, secure: true }]),
    async goto(path) {
        // another fragment alone does not load the page again
        await page.goto("about:blank");
        unanswered.clear();
        await page.goto(origin + path);
        await quiet();
    },
    quiet,
    click: (selector) => page.click(selector),
    fill: (selector, text) => page.fill(selector, text),
    press: (selector, key) => page.press(selector, key),
    wait: async (selector) => void await page.waitForSelector(selector),
    gone: async (selector) => void await page.waitForSelector(selector, { state: "detached" }),
    hidden: async (selector) => void await page.waitForSelector(selector, { state: "hidden" }),
    text: (selector) => page.innerText(selector),
    texts: (selector) => page.locator(selector).allInnerTexts(),
    count: (selector) => page.locator(selector).count(),
    value: (selector) => page.inputValue(selector),
    attribute: (selector, name) => page.getAttribute(selector, name),
    contains: async (selector, text) =>
        void await page.locator(selector, { hasText: text }).first().waitFor(),
    evaluate: (script) => page.evaluate(script),
    path: () => page.evaluate("location.hash"),
    note: (selector, text) => page.evaluate(noteText, [selector, text]),
    noted: () => page.evaluate("window.noted"),
    clipboard: () => page.evaluate("navigator.clipboard.readText()"),
    async download(selector) {
        const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
        const stream = await download.createReadStream();
        const parts = [];
        for await (const part of stream)
            parts.push(part);
        return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString() };
    },
    // The whole page up to a height; with a dialog open, what is on the screen.
    async screenshot(file, highest) {
        const [hasDialog, height] = await page.evaluate("[!!document.querySelector(" +
            "'.el-overlay:not([style*=\"none\"])'), document.scrollingElement.scrollHeight]");
        const width = page.viewportSize().width;
        await page.screenshot(hasDialog ? { path: file } : { path: file, fullPage: true,
            clip: { x: 0, y: 0, width, height: Math.min(height, highest) } });
    },
    faults: () => faults,
};

async function main() {
    browser = await launch();
    process.on("SIGTERM", () => browser.close().then(() => process.exit(0)));
    console.log(JSON.stringify({ is: "ready" }));
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const { do: name, args } = JSON.parse(line);
        try {
            console.log(JSON.stringify({ is: await commands[name](...args) ?? null }));
        } catch (error) {
            const where = page && !page.isClosed()
                ? await page.evaluate("location.hash + '\\n' + document.body.innerText")
                    .catch(() => "") : "";
            console.log(JSON.stringify({ failed: `${error.message}\n\nOn ${where}` }));
        }
    }
    await browser.close();
}

main().catch((error) => {
    console.log(JSON.stringify({ failed: error.stack }));
    process.exit(1);
});
