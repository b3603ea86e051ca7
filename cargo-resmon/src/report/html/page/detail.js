// The details of one test.

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
    // A test may have very many attempts: show the last 8.
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
    if (test.earlier.length) parts.push(element("h3", {}, "Earlier runs"), before(test));
    return parts;
}

function before(test) {
    const heads = ["Run", "Outcome", "Time", "CPU time", "Peak memory", "Growth"];
    const now = [null, test.outcome, test.attempts.length, [test.time, test.cpu, test.peak, test.growth]];
    const runs = [now, ...test.earlier];
    const most = greatest(runs.map(([, , , [time]]) => time)) || 1;
    return scroll(
        heads.map((head) => element("th", { scope: "col" }, head)),
        runs.map(([run, outcome, attempts, [time, cpu, peak, more]]) => {
            const share = `--share: ${((time ?? 0) / most) * 100}%`;
            return [
                element("th", { scope: "row", class: "run" }, run === null ? "this" : (page.earlier[run] ?? MISSING)),
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
