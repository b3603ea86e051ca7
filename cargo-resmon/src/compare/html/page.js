// The table of the tests: one metric at a time, with a chart of the runs of each test.

const $ = (id) => document.getElementById(id);
const page = JSON.parse($("data").textContent);

/** The number of rows to add at once. */
const ROWS = 100;
const FORMATS = { s: seconds, B: bytes, "": plain };
/** What can move the cursor or the direction of writing. */
const ODD = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;

const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (known(value)) made.setAttribute(key, value);
    made.append(...children);
    return made;
};
const drawn = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
};

const COLUMNS = [
    ["id", "Test", "name"],
    ["verdict", "Verdict", "name"],
    ["base", "Base", ""],
    ["head", "Head", ""],
    ["increase", "Change", ""],
    ["runs", "Runs", "name"],
];
const state = { key: "increase", down: true, rows: [], made: 0 };

/** Returns the rows of a metric. */
function rowsOf(metric) {
    const rows = [];
    for (const test of page.tests) {
        const found = test.metrics.find((one) => one.metric === metric);
        if (!found) continue;
        const increase = found.increase_percent ?? (known(found.base) && known(found.head) && found.head > found.base ? Infinity : null);
        const [verdict, kind] = verdictOf(test, found);
        rows.push({ id: test.name.replace(ODD, "\ufffd"), verdict, kind, increase, ...{ base: found.base, head: found.head, found, why: test.mute_reason } });
    }
    return rows;
}

function verdictOf(test, { verdict, exceeds, max }) {
    if (test.is_muted && exceeds) return ["muted", "muted"];
    if (exceeds === "fail") return [known(max) ? "over limit" : "fail", "fail"];
    if (exceeds === "warn") return ["warn", "worse"];
    if (verdict === "cannot_tell") return ["cannot tell", "unclear"];
    return [verdict, verdict];
}

const order = (one, other) => {
    const [a, b] = [one[state.key], other[state.key]];
    if (!known(a) || !known(b)) return known(b) - known(a) || (one.id < other.id ? -1 : 1);
    const by = typeof a === "string" ? (a < b ? -1 : +(a > b)) : a === b ? 0 : a - b;
    return (state.down ? -by : by) || (one.id < other.id ? -1 : 1);
};

function refresh() {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = rowsOf($("metric").value);
    const verdict = $("verdict").value;
    state.rows = all
        .filter((row) => (!verdict || row.verdict === verdict) && words.every((word) => row.id.toLowerCase().includes(word)))
        .sort(order);
    const count = `${plain(all.length)} test${all.length === 1 ? "" : "s"}`;
    $("count").textContent = state.rows.length === all.length ? count : `${plain(state.rows.length)} of ${count}`;
    for (const head of $("table").tHead.rows[0].cells) {
        if (head.dataset.key !== state.key) head.removeAttribute("aria-sort");
        else head.setAttribute("aria-sort", state.down ? "descending" : "ascending");
    }
    $("table").tBodies[0].replaceChildren();
    state.made = 0;
    more();
}

function more() {
    const metric = $("metric").value;
    const format = FORMATS[page.units[metric]];
    const rows = state.rows.slice(state.made, state.made + ROWS);
    state.made += rows.length;
    $("table").tBodies[0].append(...rows.map((row) => made(row, metric, format)));
    $("more").hidden = state.made >= state.rows.length;
}

function made(row, metric, format) {
    return element(
        "tr",
        {},
        element("td", { class: "name" }, row.id),
        element("td", { class: `name ${row.kind}`, title: row.why ?? row.found.why?.replace("_", " ") }, row.verdict),
        element("td", {}, format(row.base)),
        element("td", {}, format(row.head)),
        element("td", { class: row.kind }, change(row.increase)),
        element("td", {}, chart(row.found, metric, format)),
    );
}

const change = (increase) => {
    if (!known(increase) || increase === Infinity) return "";
    if (increase >= 999.5) return `×${(increase / 100 + 1).toFixed(0)}`;
    const size = Math.abs(increase);
    return `${increase < 0 ? "−" : size ? "+" : ""}${size.toFixed(size < 9.95 && size ? 1 : 0)} %`;
};

/** Draws each run as a point, and the median of each side as a line. The scale begins at 0. */
function chart(found, metric, format) {
    const speed = page.speeds.find((one) => one.metric === metric);
    const normal = (runs, factors) => runs.map((figure, run) => (known(figure) && known(speed?.head) ? (factors[run] ? figure / factors[run] : null) : figure));
    if (!found.base_runs) return "";
    const sides = [
        ["base", normal(found.base_runs, speed?.base_factors), found.base],
        ["head", normal(found.head_runs, speed?.head_factors), found.head],
    ];
    const figures = sides.flatMap(([, runs]) => runs).filter(known);
    const [least, most] = [Math.min(0, ...figures), Math.max(0, ...figures)];
    const y = (figure) => 23 - ((figure - least) / (most - least || 1)) * 20;
    const words = sides.map(([side, runs]) => `${side} ${runs.map((figure) => format(figure)).join(", ")}`).join("; ");
    const svg = drawn("svg", { class: "runs", viewBox: "0 0 120 26", role: "img", "aria-label": words });
    sides.forEach(([side, runs, median], half) => {
        const x = (run) => 4 + half * 60 + ((run + 0.5) / runs.length) * 52;
        if (known(median)) svg.append(drawn("line", { class: side, x1: 4 + half * 60, x2: 56 + half * 60, y1: y(median), y2: y(median), "stroke-opacity": 0.5 }));
        runs.forEach((figure, run) => {
            if (known(figure)) svg.append(drawn("circle", { class: side, cx: x(run), cy: y(figure), r: 2 }));
        });
    });
    return svg;
}

function start() {
    for (const [key, title, kind] of COLUMNS) {
        const head = element("th", { scope: "col", class: kind, "data-key": key }, key === "runs" ? title : element("button", { type: "button" }, title));
        head.addEventListener("click", () => {
            if (key === "runs") return;
            state.down = state.key === key ? !state.down : !["id", "verdict"].includes(key);
            state.key = key;
            refresh();
        });
        $("table").tHead.rows[0].append(head);
    }
    const metrics = new Set(page.tests.flatMap((test) => test.metrics.map((one) => one.metric)));
    for (const [metric, title] of Object.entries(page.titles)) if (metrics.has(metric)) $("metric").append(element("option", { value: metric }, title));
    const verdicts = new Set(page.tests.flatMap((test) => test.metrics.map((one) => verdictOf(test, one)[0])));
    for (const verdict of verdicts) $("verdict").append(element("option", { value: verdict }, verdict));
    for (const id of ["metric", "verdict"]) $(id).addEventListener("change", refresh);
    $("filter").addEventListener("input", refresh);
    $("controls").addEventListener("submit", (event) => event.preventDefault());
    $("more").addEventListener("click", more);
    refresh();
    $("table").hidden = $("controls").hidden = false;
    performance.mark("ready");
}

start();
