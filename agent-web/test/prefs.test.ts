// @vitest-environment jsdom
import { afterEach, expect, test, vi } from "vitest";
import { Prefs } from "../src/state/prefs.svelte.ts";
import { pageOf } from "../src/state/router.svelte.ts";

afterEach(() => {
	vi.unstubAllGlobals();
	localStorage.clear();
});

test("the look follows the system while the page is open, unless one was chosen", () => {
	const dark = Object.assign(new EventTarget(), { matches: false });
	const never = Object.assign(new EventTarget(), { matches: false });
	vi.stubGlobal("matchMedia", (wish: string) => (wish.includes("dark") ? dark : never));
	const prefs = new Prefs();
	const leave = prefs.follow();
	const look = () => document.documentElement.dataset.theme;
	const evening = (matches: boolean) => {
		dark.matches = matches;
		dark.dispatchEvent(new Event("change"));
		return look();
	};
	expect(look()).toBe("light");
	expect(evening(true)).toBe("dark");
	expect(prefs.look).toBe("dark"); // what is drawn has colours by this
	prefs.theme = "light";
	expect(evening(true)).toBe("light");
	prefs.theme = "system";
	leave();
	expect(evening(false)).toBe("dark");
});

test("an address that is no UTF-8 is a page that is not there", () => {
	expect(pageOf("/calls/%E5%A5%BD")).toEqual({ at: "call", id: "好" });
	for (const path of ["/calls/%", "/flows/%E0%A4%A", "/calls/a/b"]) expect(pageOf(path)).toEqual({ at: "missing" });
});
