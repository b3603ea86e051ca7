// The formatting of figures, the same as in units.rs.

const MISSING = "–";
const known = (value) => value !== null && value !== undefined;
const shown = (format) => (value) => (known(value) ? format(value) : MISSING);
const seconds = shown((value) => {
    if (value <= 0) return "0 s";
    if (value < 0.0009995) return `${Math.max(value * 1e6, 1).toFixed(0)} µs`;
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
