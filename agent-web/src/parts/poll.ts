/** Asks now, and every few seconds while somebody can see the page; the result ends it. */
export function poll(ask: () => Promise<void>, everyMS: number): () => void {
	let timer: ReturnType<typeof setTimeout> | undefined;
	let over = false;
	const round = async (looked: boolean) => {
		if (looked) await ask();
		if (!over) timer = setTimeout(() => void round(document.visibilityState === "visible"), everyMS);
	};
	void round(true);
	return () => {
		over = true;
		clearTimeout(timer);
	};
}
