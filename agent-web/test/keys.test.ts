// @vitest-environment jsdom
import { beforeEach, describe, expect, test, vi } from "vitest";
import { tabName } from "../src/phone/tab.ts";
import { Keys } from "../src/state/keys.ts";

let letters: "on" | "off" = "on";
const answer = vi.fn();
const mute = vi.fn();
const help = vi.fn();

function press(key: string, selector = "body", more: KeyboardEventInit = {}): KeyboardEvent {
	const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
	document.querySelector(selector)?.dispatchEvent(event);
	return event;
}

beforeEach(() => {
	letters = "on";
	vi.clearAllMocks();
	document.body.innerHTML = `<input><textarea></textarea><button id="other"></button>
		<div data-own-enter><button id="end"></button><button id="mute" aria-disabled="true"></button></div>`;
	const keys = new Keys(() => letters);
	keys.add([
		{ key: "Enter", run: answer },
		{ key: "m", run: mute },
		{ key: "?", run: help },
	]);
	document.body.onkeydown = keys.handle;
});

describe("keys", () => {
	test("act, in either case, and are not passed on", () => {
		expect(press("m").defaultPrevented).toBe(true);
		press("M", "body", { shiftKey: true });
		expect(mute).toHaveBeenCalledTimes(2);
	});
	test.each(["input", "textarea"])("do nothing in %s", (field) => {
		for (const key of ["m", "Enter", "?"]) expect(press(key, field).defaultPrevented).toBe(false);
		expect(mute).not.toHaveBeenCalled();
		expect(answer).not.toHaveBeenCalled();
	});
	test("leave the browser's own alone", () => {
		press("m", "body", { ctrlKey: true });
		press("m", "body", { metaKey: true });
		press("m", "body", { altKey: true });
		press("m", "body", { repeat: true });
		expect(mute).not.toHaveBeenCalled();
	});
	test("letters can be switched off; Enter and ? stay", () => {
		letters = "off";
		press("m");
		press("Enter");
		press("?");
		expect(mute).not.toHaveBeenCalled();
		expect(answer).toHaveBeenCalledOnce();
		expect(help).toHaveBeenCalledOnce();
	});
	test("Enter answers though some button has the focus, but a call's own button is pressed", () => {
		press("Enter", "#other");
		expect(answer).toHaveBeenCalledTimes(1);
		expect(press("Enter", "#end").defaultPrevented).toBe(false);
		expect(answer).toHaveBeenCalledTimes(1);
		press("Enter", "#mute");
		expect(answer).toHaveBeenCalledTimes(2);
	});
	test("the last binding goes first, as long as it wants to and is there", () => {
		const keys = new Keys(() => "on");
		const ran: string[] = [];
		keys.add([{ key: "5", run: () => ran.push("disposition") }]);
		const leave = keys.add([{ key: "5", run: () => ran.push("keypad") }]);
		keys.add([{ key: "5", run: () => ran.push("never"), when: () => false }]);
		document.body.onkeydown = keys.handle;
		press("5");
		leave();
		press("5");
		expect(ran).toEqual(["keypad", "disposition"]);
	});
});

describe("the tab's name", () => {
	const storage = () => {
		const kept = new Map<string, string>();
		return {
			getItem: (k: string) => kept.get(k) ?? null,
			setItem: (k: string, v: string) => void kept.set(k, v),
			removeItem: (k: string) => void kept.delete(k),
		} as unknown as Storage;
	};
	let n = 0;
	const random = () => `tab${++n}`;
	test("outlives a reload", () => {
		const s = storage();
		const page = new EventTarget();
		const name = tabName(s, page, random);
		page.dispatchEvent(new Event("pagehide"));
		expect(tabName(s, new EventTarget(), random)).toBe(name);
	});
	test("is not copied into a duplicated tab", () => {
		const s = storage();
		const name = tabName(s, new EventTarget(), random);
		expect(tabName(s, new EventTarget(), random)).not.toBe(name);
	});
});
