// The tooltip and the cursor of the timeline.

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
