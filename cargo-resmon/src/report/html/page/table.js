// The table of the tests.

/** The number of rows to add at once. Scrolling to the end adds more. */
const ROWS = 100;

const COLUMNS = [
    { key: "id", title: "Test", kind: "name" },
    { key: "outcome", title: "Outcome", kind: "outcome less" },
    { key: "time", title: "Time", kind: "bar", format: seconds },
    { key: "cpu", title: "CPU time", kind: "bar less", format: seconds },
    { key: "peak", title: "Peak", more: " memory", kind: "bar", format: bytes },
    { key: "growth", title: "Growth", kind: "less", format: growth },
];
if (page.earlier.length) COLUMNS.push({ key: "usual", title: "To usual", kind: "less", format: ratio });
for (const column of COLUMNS) {
    if (column.kind.includes("bar")) column.most = greatest(tests.map((test) => test[column.key])) || 1;
}

const state = { sort: "time", down: true, outcome: "", rows: [], made: 0 };

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
    const all = `${plain(tests.length)} test${tests.length === 1 ? "" : "s"}`;
    $("count").textContent = state.rows.length === tests.length ? all : `${plain(state.rows.length)} of ${all}`;
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
            // Narrow screens have no column of outcomes: this shows the outcome instead.
            if (test.outcome !== "passed") button.append(element("span", { class: `narrow ${test.outcome}` }, MARKS[test.outcome]));
            cell.append(button);
        } else if (key === "outcome") {
            const signal = get(test.attempts.at(-1), "signal");
            cell.append(element("span", { class: value }, `${MARKS[value]} ${signal ?? value}`));
        } else {
            cell.append(`${key === "cpu" && test.atLeast && known(value) ? "≥ " : ""}${format(value)}`);
            if (most && value > 0) cell.style.setProperty("--share", `${((value / most) * 100).toFixed(1)}%`);
            if (key === "usual" && value >= 1.5) cell.classList.add("slower");
            if (key === "usual" && value && value <= 0.67) cell.classList.add("quicker");
        }
        made.append(cell);
    }
    return made;
}

function sortBy(key) {
    // Initially, names are sorted from A to Z and figures from the greatest.
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

/** Filters the table to one test and opens its details. */
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
