import { tick } from "svelte";

/**
 * The arrows go from tab to tab (WAI-ARIA tabs): the one that is chosen is the only one that Tab reaches. A tab's ID is
 * its name behind the prefix.
 */
export async function arrows<T extends string>(
	event: KeyboardEvent,
	prefix: string,
	tabs: readonly T[],
	now: T,
	choose: (tab: T) => void,
): Promise<void> {
	const last = tabs.length - 1;
	const at = tabs.indexOf(now);
	const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at <= 0 ? last : at - 1, Home: 0, End: last }[
		event.key
	];
	const tab = to === undefined ? undefined : tabs[to];
	if (tab === undefined) return;
	event.preventDefault();
	choose(tab);
	await tick();
	document.getElementById(prefix + tab)?.focus();
}
