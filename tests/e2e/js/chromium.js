// Debian's Chromium without its windows: the same engine, without the pages and processes that draw
// what nobody sees, which cost more than the tests' own pages.
"use strict";

const { chromium } = require("playwright-core");

exports.launch = () => chromium.launch({
    executablePath: "/usr/bin/chromium-headless-shell",
    handleSIGTERM: false,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--ignore-certificate-errors"],
});
