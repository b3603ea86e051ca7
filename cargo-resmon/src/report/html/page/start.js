// The setup of the page and its event handlers.

function start() {
    for (const { key, title, more, kind } of COLUMNS) {
        const header = element("th", { scope: "col", class: kind.replace("bar", ""), "data-key": key }, element("button", { type: "button" }, title, element("span", { class: "less" }, more ?? "")));
        header.addEventListener("click", () => sortBy(key));
        $("table").tHead.rows[0].append(header);
        $("sort").append(element("option", { value: key }, title + (more ?? "")));
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

/** Handles keys: `/` goes to the filter, the arrows move from test to test. */
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
