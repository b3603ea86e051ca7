// Functions that create elements of the page.

const $ = (id) => document.getElementById(id);

const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (known(value)) made.setAttribute(key, value);
    made.append(...children);
    return made;
};

/** Makes the element of a test id: line breaks are possible between its parts, and the file is less prominent. */
function name(id) {
    const parts = id.split(/(?<=::|[/_])/);
    const file = parts.findIndex((part) => part.endsWith("::")) + 1;
    const breaking = (parts) => parts.flatMap((part) => [part, element("wbr")]);
    return element("span", {}, element("span", { class: "quiet" }, ...breaking(parts.slice(0, file))), ...breaking(parts.slice(file)));
}
