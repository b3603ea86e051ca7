"use strict";
(() => {
    const $ = (id) => document.getElementById(id);
    const page = JSON.parse($("data").textContent);
    const MISSING = "–";
    /** Rows that are made at once, as many more as are scrolled to. */
    const ROWS = 100;
    const OUTCOMES = ["crashed", "failed", "unfinished", "flaky", "unknown", "passed"];
    const MARKS = { crashed: "✖", failed: "✖", unfinished: "◌", flaky: "↻", unknown: "?", passed: "✓" };

    // Figures as people read them: see units.rs.

    const known = (value) => value !== null && value !== undefined;
    const shown = (format) => (value) => (known(value) ? format(value) : MISSING);
    const seconds = shown((value) => {
        if (value < 0.00005) return "0 s";
        if (value < 0.00995) return `${(value * 1e3).toFixed(1)} ms`;
        if (value < 0.9995) return `${(value * 1e3).toFixed(0)} ms`;
        if (value < 9.995) return `${value.toFixed(2)} s`;
        if (value < 59.95) return `${value.toFixed(1)} s`;
        const all = Math.round(value);
        const two = (number) => String(number).padStart(2, "0");
        if (all < 3600) return `${Math.floor(all / 60)} min ${two(all % 60)} s`;
        return `${Math.floor(all / 3600)} h ${two(Math.floor(all / 60) % 60)} min`;
    });
    const bytes = shown((value) => {
        const size = Math.abs(value);
        const power = size < 1024 ? 0 : Math.min(6, Math.floor(Math.log2(size) / 10));
        const number = (size / 1024 ** power).toFixed(power && 1).replace(/\.0$/, "");
        return `${value < 0 ? "−" : ""}${number} ${power ? `${"KMGTPE"[power - 1]}iB` : "B"}`;
    });
    const growth = shown((value) => (value > 0 ? "+" : "") + bytes(value));
    const percent = shown((value) => `${value.toFixed(0)} %`);
    const plain = shown((value) => value.toLocaleString("en"));
    const ratio = shown((value) => `× ${value.toFixed(value < 9.95 ? 1 : 0)}`);

    // The tests, each with what it cost. Of several attempts each figure is the greatest.

    const place = Object.fromEntries(page.fields.map((name, index) => [name, index]));
    const get = (attempt, name) => attempt[place[name]] ?? null;
    const greatest = (values) => values.reduce((most, value) => (known(value) && !(most >= value) ? value : most), null);
    const median = (values) => (values.length ? values.sort((a, b) => a - b)[values.length >> 1] : null);
    const tests = page.tests.map(([id, pack, flaky, outcome, attempts, earlier]) => {
        const most = (name) => greatest(attempts.map((attempt) => get(attempt, name)));
        const usual = median(earlier.filter(([, ended, , [time]]) => ended === "passed" && known(time)).map(([, , , [time]]) => time));
        const time = most("duration");
        return {
            id,
            package: pack,
            outcome: flaky ? "flaky" : outcome,
            attempts,
            earlier,
            time,
            cpu: most("cpu"),
            peak: most("rssPeak"),
            growth: most("growth"),
            usual: usual > 0 && known(time) && Math.max(time, usual) >= 0.01 ? time / usual : null,
        };
    });

    const COLUMNS = [
        { key: "id", title: "Test", kind: "name" },
        { key: "outcome", title: "Outcome", kind: "outcome less" },
        { key: "time", title: "Time", kind: "bar", format: seconds },
        { key: "cpu", title: "CPU time", kind: "bar less", format: seconds },
        { key: "peak", title: "Peak memory", kind: "bar", format: bytes },
        { key: "growth", title: "Growth", kind: "less", format: growth },
    ];
    if (page.earlier.length) COLUMNS.push({ key: "usual", title: "To usual", kind: "less", format: ratio });
    for (const column of COLUMNS) {
        if (column.kind.includes("bar")) column.most = greatest(tests.map((test) => test[column.key])) || 1;
    }

    const state = { sort: "time", down: true, outcome: "", rows: [], made: 0 };

    const element = (name, attributes = {}, ...children) => {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) if (known(value)) made.setAttribute(key, value);
        made.append(...children);
        return made;
    };

    /** An id that breaks where a person would break it, its file less prominent than what is in it. */
    function name(id) {
        const parts = id.split(/(?<=::|[/_])/);
        const file = parts.findIndex((part) => part.endsWith("::")) + 1;
        const breaking = (parts) => parts.flatMap((part) => [part, element("wbr")]);
        return element("span", {}, element("span", { class: "quiet" }, ...breaking(parts.slice(0, file))), ...breaking(parts.slice(file)));
    }

    // The table.

    const rank = (test) => (state.sort === "outcome" ? -OUTCOMES.indexOf(test.outcome) : test[state.sort]);
    const compare = (one, other) => {
        const [a, b] = [rank(one), rank(other)];
        if (!known(a) || !known(b)) return known(b) - known(a);
        const order = typeof a === "string" ? (a < b ? -1 : +(a > b)) : a - b;
        return (state.down ? -order : order) || (one.id < other.id ? -1 : 1);
    };

    function refresh() {
        const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
        const pack = $("package").value;
        const named = tests.filter((test) => {
            if (pack !== "" && test.package !== +pack) return false;
            if (!words.length) return true;
            test.lower ??= test.id.toLowerCase();
            return words.every((word) => test.lower.includes(word));
        });
        state.rows = named.filter((test) => !state.outcome || test.outcome === state.outcome).sort(compare);
        const all = plain(tests.length);
        $("count").textContent = state.rows.length === tests.length ? `${all} tests` : `${plain(state.rows.length)} of ${all} tests`;
        $("table").tBodies[0].replaceChildren();
        state.made = 0;
        more();
        for (const header of $("table").tHead.rows[0].cells) {
            const sorted = header.dataset.key === state.sort;
            if (sorted) header.setAttribute("aria-sort", state.down ? "descending" : "ascending");
            else header.removeAttribute("aria-sort");
        }
        $("sort").value = state.sort;
        for (const button of $("outcomes").children) {
            button.setAttribute("aria-pressed", button.dataset.outcome === state.outcome);
        }
    }

    function more() {
        const next = state.rows.slice(state.made, state.made + ROWS);
        $("table").tBodies[0].append(...next.map(row));
        state.made += next.length;
        $("more").hidden = state.made >= state.rows.length;
    }

    function row(test) {
        const made = element("tr");
        made.test = test;
        for (const { key, kind, format, most } of COLUMNS) {
            const value = test[key];
            const cell = element("td", { class: kind });
            if (key === "id") {
                const button = element("button", { type: "button", "aria-expanded": false }, name(value));
                // Where there is no room for the column of the outcomes.
                if (test.outcome !== "passed") button.append(element("span", { class: `narrow ${test.outcome}` }, MARKS[test.outcome]));
                cell.append(button);
            } else if (key === "outcome") {
                const signal = get(test.attempts.at(-1), "signal");
                cell.append(element("span", { class: value }, `${MARKS[value]} ${signal ?? value}`));
            } else {
                cell.append(format(value));
                if (most && value > 0) cell.style.setProperty("--share", `${((value / most) * 100).toFixed(1)}%`);
                if (key === "usual" && value >= 1.5) cell.classList.add("slower");
                if (key === "usual" && value && value <= 0.67) cell.classList.add("quicker");
            }
            made.append(cell);
        }
        return made;
    }

    function sortBy(key) {
        // Names from A to Z, figures from the greatest.
        const down = key !== "id";
        state.down = state.sort === key ? !state.down : down;
        state.sort = key;
        refresh();
    }

    function toggle(made) {
        const button = made.querySelector("button");
        const open = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", !open);
        if (open) {
            made.nextElementSibling.remove();
            button.removeAttribute("aria-controls");
        } else {
            const id = `test-${tests.indexOf(made.test)}`;
            button.setAttribute("aria-controls", id);
            made.after(element("tr", { class: "detail", id }, element("td", { colspan: COLUMNS.length }, ...detail(made.test))));
            history.replaceState(null, "", `#test=${encodeURIComponent(made.test.id)}`);
        }
    }

    /** Shows a test alone, opened. */
    function show(id) {
        state.outcome = "";
        $("package").value = "";
        $("filter").value = id;
        refresh();
        const made = [...$("table").tBodies[0].rows].find((made) => made.test?.id === id);
        if (!made) return;
        toggle(made);
        $("tests").scrollIntoView();
        made.querySelector("button").focus({ preventScroll: true });
    }

    // What is known of one test.

    const FIGURES = [
        ["Outcome", (get) => get("signal") ? `${get("outcome")}, ${get("signal")}` : get("outcome")],
        ["Started after", (get) => seconds(get("start")), "start"],
        ["Time", (get) => seconds(get("duration")), "duration"],
        ["CPU time", (get) => `${seconds(get("cpu"))}${get("scope") === "thread" ? " (own thread only)" : ""}`, "cpu"],
        ["in its code, in the kernel", (get) => `${seconds(get("user"))}, ${seconds(get("system"))}`, "cpu"],
        ["CPUs kept busy", (get) => (get("duration") ? (get("cpu") / get("duration")).toFixed(2) : MISSING), "cpu"],
        ["Peak memory", (get) => `${bytes(get("rssPeak"))}${page.memory ? ` (${percent((get("rssPeak") / page.memory) * 100)} of ${bytes(page.memory)})` : ""}`, "rssPeak"],
        ["Memory before, after", (get) => `${bytes(get("rssBefore"))}, ${bytes(get("rssAfter"))}`, "rssBefore"],
        ["Growth", (get) => growth(get("growth")), "growth"],
        ["Tests in its process at once", (get) => plain(get("concurrent")), "concurrent"],
        ["Storage read, written", (get) => `${bytes(get("read"))}, ${bytes(get("written"))}`, "read"],
        ["Allocations", (get) => plain(get("allocations")), "allocations"],
        ["Heap at most", (get) => bytes(get("heapPeak")), "heapPeak"],
        ["Page faults on disk", (get) => plain(get("faults")), "faults"],
        ["Times put off a CPU", (get) => plain(get("switches")), "switches"],
        ["CPU of the machine before, after", (get) => `${percent(get("cpuBefore"))}, ${percent(get("cpuAfter"))}`, "cpuBefore"],
        ["Memory left on the machine, at least", (get) => bytes(get("memoryMin")), "memoryMin"],
        ["Disk left", (get) => bytes(get("diskAfter")), "diskAfter"],
    ];

    function detail(test) {
        // A test that is retried without end is shown by its last attempts.
        const attempts = test.attempts.slice(-8);
        const several = test.attempts.length > 1;
        const heads = attempts.map((attempt) => element("th", { scope: "col" }, several ? `Attempt ${get(attempt, "attempt")}` : "This run"));
        const rows = FIGURES.filter(([, , needs]) => !needs || attempts.some((attempt) => known(get(attempt, needs))));
        const parts = [];
        if (known(test.package)) parts.push(element("p", { class: "quiet" }, `Package ${page.packages[test.package]}`));
        parts.push(
            scroll(
                [element("td"), ...heads],
                rows.map(([name, format, needs]) => [
                    element("th", { scope: "row" }, name),
                    ...attempts.map((attempt) => {
                        const missing = needs && !known(get(attempt, needs));
                        return element("td", {}, missing ? MISSING : format((field) => get(attempt, field)));
                    }),
                ]),
            ),
        );
        if (test.earlier.length) parts.push(element("h3", {}, "Earlier runs"), history_(test));
        return parts;
    }

    function history_(test) {
        const heads = ["Run", "Outcome", "Time", "CPU time", "Peak memory", "Growth"];
        const now = [null, test.outcome, test.attempts.length, [test.time, test.cpu, test.peak, test.growth]];
        const runs = [now, ...test.earlier];
        const most = greatest(runs.map(([, , , [time]]) => time)) || 1;
        return scroll(
            heads.map((head) => element("th", { scope: "col" }, head)),
            runs.map(([run, outcome, attempts, [time, cpu, peak, more]]) => {
                const share = `--share: ${((time ?? 0) / most) * 100}%`;
                return [
                    element("th", { scope: "row" }, run === null ? "this" : (page.earlier[run] ?? MISSING)),
                    element("td", { class: outcome }, attempts > 1 ? `${outcome}, ${attempts} attempts` : outcome),
                    element("td", { class: "bar", style: share }, seconds(time)),
                    element("td", {}, seconds(cpu)),
                    element("td", {}, bytes(peak)),
                    element("td", {}, growth(more)),
                ];
            }),
        );
    }

    const scroll = (heads, rows) =>
        element(
            "div",
            { class: "scroll", tabindex: 0, role: "group", "aria-label": "figures" },
            element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells)))),
        );

    // What the pointer is on in the timeline.

    function timeline() {
        const { end, frames, cpu, memory } = page.timeline;
        const lanes = [];
        for (const test of tests) {
            for (const attempt of test.attempts) {
                const [lane, start] = [get(attempt, "lane"), get(attempt, "start")];
                if (known(lane)) (lanes[lane] ??= []).push({ test, start, end: start + get(attempt, "duration") });
            }
        }
        const figure = $("timeline");
        const find = (event) => {
            const charts = [...figure.querySelectorAll("svg")];
            const shown = charts.findIndex((svg) => svg.getBoundingClientRect().width > 0);
            const { left, right, top, lane, width } = frames[shown];
            const box = charts[shown].getBoundingClientRect();
            const scale = width / box.width;
            const x = (event.clientX - box.left) * scale;
            const time = ((x - left) / (right - left)) * end;
            if (time < 0 || time > end) return null;
            const pixel = end / (right - left);
            const away = (bar) => Math.max(bar.start - time, time - bar.end, 0);
            const bars = lanes[Math.floor(((event.clientY - box.top) * scale - top) / lane)] ?? [];
            const near = bars.filter((bar) => away(bar) < 2 * pixel).sort((a, b) => away(a) - away(b));
            return { time, x: x / scale, width: box.width, bar: near[0] };
        };
        const at = (points, time) => points.reduce((best, point) => (Math.abs(point[0] - time) < Math.abs(best[0] - time) ? point : best), [Infinity, null])[1];
        const leave = () => ($("tip").hidden = $("cursor").hidden = true);
        figure.addEventListener("pointermove", (event) => {
            const found = find(event);
            if (!found) return leave();
            const { time, x, width, bar } = found;
            $("tip").replaceChildren(`${seconds(time)}: CPU ${percent(at(cpu, time))}, memory ${percent(at(memory, time))}`);
            if (bar) $("tip").append(element("br"), element("span", { class: "id" }, bar.test.id), ` ${bar.test.outcome}, ${seconds(bar.end - bar.start)}`);
            $("tip").hidden = $("cursor").hidden = false;
            $("cursor").style.left = `${x}px`;
            const y = event.clientY - figure.getBoundingClientRect().top;
            $("tip").style.top = `${y + 16}px`;
            $("tip").style.left = x < width / 2 ? `${x + 12}px` : "auto";
            $("tip").style.right = x < width / 2 ? "auto" : `${width - x + 12}px`;
            figure.style.cursor = bar ? "pointer" : "";
        });
        figure.addEventListener("pointerleave", leave);
        figure.addEventListener("click", (event) => {
            const bar = find(event)?.bar;
            if (bar) show(bar.test.id);
        });
    }

    // Everything that can be clicked or pressed.

    function start() {
        for (const { key, title, kind } of COLUMNS) {
            const header = element("th", { scope: "col", class: kind.replace("bar", ""), "data-key": key }, element("button", { type: "button" }, title));
            header.addEventListener("click", () => sortBy(key));
            $("table").tHead.rows[0].append(header);
            $("sort").append(element("option", { value: key }, title));
        }
        for (const outcome of ["", ...OUTCOMES]) {
            const count = tests.filter((test) => !outcome || test.outcome === outcome).length;
            if (outcome && !count) continue;
            const button = element("button", { type: "button", "data-outcome": outcome }, `${outcome || "all"} ${plain(count)}`);
            button.addEventListener("click", () => {
                state.outcome = outcome;
                refresh();
            });
            $("outcomes").append(button);
        }
        page.packages.forEach((name, index) => $("package").append(element("option", { value: index }, name)));
        $("package-label").hidden = page.packages.length < 2;
        $("filter").addEventListener("input", refresh);
        $("package").addEventListener("change", refresh);
        $("sort").addEventListener("change", () => sortBy($("sort").value));
        $("controls").addEventListener("submit", (event) => event.preventDefault());
        $("more").addEventListener("click", more);
        $("table").tBodies[0].addEventListener("click", (event) => {
            const made = event.target.closest("#table > tbody > tr");
            if (made?.test && !getSelection().toString()) toggle(made);
        });
        document.addEventListener("click", (event) => {
            const id = event.target.closest?.("a[data-test]")?.dataset.test;
            if (known(id)) {
                event.preventDefault();
                show(id);
            }
        });
        document.addEventListener("keydown", keydown);
        new IntersectionObserver((entries) => {
            if (entries.some((entry) => entry.isIntersecting)) more();
        }, { rootMargin: "600px" }).observe($("more"));
        for (const link of document.querySelectorAll("a[data-test]")) link.replaceChildren(name(link.dataset.test));
        if (page.timeline) timeline();
        refresh();
        $("table").hidden = $("controls").hidden = false;
        const asked = /^#test=(.+)/.exec(location.hash);
        if (asked) show(decodeURIComponent(asked[1]));
        performance.mark("ready");
    }

    /** `/` goes to the filter, the arrows from test to test. */
    function keydown(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) {
            event.preventDefault();
            $("filter").focus();
        }
        const made = event.target.closest?.("#table > tbody > tr");
        const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
        if (!made?.test || !step) return;
        event.preventDefault();
        let next = made[step];
        while (next && !next.test) next = next[step];
        next?.querySelector("button").focus();
    }

    start();
})();
