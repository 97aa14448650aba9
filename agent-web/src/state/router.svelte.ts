export type Page =
	| { at: "home" }
	| { at: "floor" }
	| { at: "wall" }
	| { at: "calls" }
	| { at: "call"; id: string }
	| { at: "people" }
	| { at: "audit" }
	| { at: "webhooks" }
	| { at: "staffing" }
	| { at: "flows" }
	| { at: "flow"; name: string }
	| { at: "prompts" }
	| { at: "telephony"; part: string }
	| { at: "missing" };

/** Reads a path of the app. */
export function pageOf(path: string): Page {
	const parts = path.split("/").filter((p) => p !== "");
	const [first, second] = parts;
	if (first === undefined) return { at: "home" };
	const name = parts.length === 2 && second ? decoded(second) : "";
	if (first === "calls" && name) return { at: "call", id: name };
	if (first === "flows" && name) return { at: "flow", name };
	if (parts.length <= 2 && first === "telephony") return { at: "telephony", part: second ?? "trunks" };
	if (parts.length > 1) return { at: "missing" };
	if (first === "flows" || first === "prompts" || first === "webhooks") return { at: first };
	return first === "floor" ||
		first === "wall" ||
		first === "calls" ||
		first === "people" ||
		first === "audit" ||
		first === "staffing"
		? { at: first }
		: { at: "missing" };
}

/** "" for what is no UTF-8: an address is typed, or cut off in a chat. */
function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return "";
	}
}

/** Router keeps the page in the address bar, so that a reload comes back to it. */
export class Router {
	page = $state.raw<Page>(pageOf(location.pathname));

	constructor() {
		addEventListener("popstate", () => {
			this.page = pageOf(location.pathname);
		});
	}

	go(path: string): void {
		if (path !== location.pathname) history.pushState(null, "", path);
		this.page = pageOf(path);
	}

	/** For links: an ordinary click stays in the page, any other is the browser's. */
	follow = (event: MouseEvent): void => {
		const link = (event.currentTarget as HTMLElement).closest("a");
		if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
		event.preventDefault();
		this.go(new URL(link.href).pathname);
	};
}
