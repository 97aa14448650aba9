import { tick } from "svelte";

/**
 * Gives the focus a place when it went with what it was on: without one, Tab begins at the top of the page and a
 * screen reader says nothing. find looks for the place once the page is drawn.
 */
export async function refocus(find: () => HTMLElement | null | undefined): Promise<void> {
	await tick();
	const { activeElement, body } = document;
	if (activeElement === null || activeElement === body) find()?.focus();
}

/** Lets Tab begin at the top of a page that another one gave way to; else it begins near where the focus was in the other. */
export async function fromTheTop(): Promise<void> {
	await tick();
	const { activeElement, body } = document;
	if (activeElement !== null && activeElement !== body) return;
	body.tabIndex = -1;
	body.focus({ preventScroll: true });
	body.removeAttribute("tabindex");
}
