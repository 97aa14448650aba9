/** What of a long list is in the page: rows, and gaps as high as the rows that are left out. `id` keeps each gap in its place. */
export type Part = { kind: "row"; index: number } | { kind: "gap"; id: string; rows: number };

/** Rows kept ready above and below what is seen, so that scrolling by a notch shows no gap. */
const SPARE = 8;

/**
 * The parts of a list of `total` rows, each `height` px high, of which a box shows
 * `view` px from `top`. `held` is a row that stays in the page wherever the box is
 * scrolled to (it has the focus), -1 for none.
 */
export function partsOf(total: number, top: number, view: number, height: number, held = -1): Part[] {
	const last = Math.min(total, Math.ceil((Math.max(0, top) + view) / height) + SPARE);
	const first = Math.max(0, Math.min(last, Math.floor(Math.max(0, top) / height) - SPARE));
	const parts: Part[] = [];
	let next = 0;
	const gap = (id: string, until: number) => {
		if (until > next) parts.push({ kind: "gap", id, rows: until - next });
		next = until;
	};
	const row = (index: number) => {
		parts.push({ kind: "row", index });
		next = index + 1;
	};
	if (held >= 0 && held < first) {
		gap("over", held);
		row(held);
	}
	gap("above", first);
	for (let index = first; index < last; index++) row(index);
	if (held >= last && held < total) {
		gap("below", held);
		row(held);
	}
	gap("under", total);
	return parts;
}

/** Where a key moves among `total` rows from `at`, of which a box shows `page`; null for other keys. */
export function moved(key: string, at: number, total: number, page: number): number | null {
	const to = {
		ArrowDown: at + 1,
		ArrowUp: at - 1,
		PageDown: at + page,
		PageUp: at - page,
		Home: 0,
		End: total - 1,
	}[key];
	return to === undefined ? null : Math.max(0, Math.min(total - 1, to));
}

/** How far a box that shows `view` px from `top` must be scrolled to show a row whole, below a head `head` px high. */
export function scrollTo(index: number, top: number, view: number, height: number, head: number): number {
	const from = index * height;
	if (from < top) return from;
	return Math.max(top, from + height + head - view);
}
