/** Asks now and every few seconds while somebody can see the page; the result ends it. */
export function poll(ask: () => Promise<void>, everyMS: number): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let over = false;
	const round = async () => {
		if (document.visibilityState === "visible") await ask();
		if (!over) timer = setTimeout(round, everyMS);
	};
	void round();
	return () => {
		over = true;
		clearTimeout(timer);
	};
}
