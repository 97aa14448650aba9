/** An attachment: a box that scrolls can be reached and scrolled by keyboard; one that does not takes no focus. */
export function scrolls(box: HTMLElement): () => void {
	const look = () => {
		if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
		else box.removeAttribute("tabindex");
	};
	const observer = new ResizeObserver(look);
	observer.observe(box);
	for (const child of box.children) observer.observe(child);
	look();
	return () => observer.disconnect();
}
