// The tests with their figures, from the JSON of data.rs. Each figure is the greatest of all attempts.

const page = JSON.parse($("data").textContent);
const OUTCOMES = ["crashed", "failed", "unfinished", "flaky", "unknown", "passed"];
const MARKS = { crashed: "✖", failed: "✖", unfinished: "◌", flaky: "↻", unknown: "?", passed: "✓" };

const place = Object.fromEntries(page.fields.map((name, index) => [name, index]));
const get = (attempt, name) => attempt[place[name]] ?? null;
const greatest = (values) => values.reduce((most, value) => (known(value) && !(known(most) && most >= value) ? value : most), null);
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
        // The time of the test's own thread only: threads that it started are not included.
        atLeast: attempts.some((attempt) => get(attempt, "scope") === "thread"),
        peak: most("rssPeak"),
        growth: most("growth"),
        usual: usual > 0 && known(time) && Math.max(time, usual) >= 0.01 ? time / usual : null,
    };
});
